package sim

func (p *play) attack()   {}
func (p *play) troubles() {}
