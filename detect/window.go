package detect

const maxWindow = 10_000
