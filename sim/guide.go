package sim

// Guide says where to look, for somebody who has just loaded the example.
func Guide() string {
	return `Fennwick Instruments, 62 accounts and 80 computers, two days of telemetry.

  One incident of high severity is the attack. It begins with a mail about a
  freight invoice and ends, a day later, in the key vault. Open it and look at
    - Alerts: mail, identity, application, endpoint and cloud in one story, each
      with the reason why it was linked to the others
    - Assets: the clerk who clicked, the administrator whose account was used,
      her computer, the application server and the key vault
    - Evidence: one control server, one program, one application called
      "Lantern Mail Sync"
    - Activities: how the incident grew, and where two became one

  The smaller incidents beside it have nothing to do with it: a toolbar, a
  password spray from the internet, a test engineer's script, a vendor's odd
  attachment. They stay apart although they share people's habits, addresses
  and domain controllers with the attack.
`
}
