package audit

// SetLimit has a Gather sort less in memory, so that a test needn't bring more.
func (g *Gather) SetLimit(bytes int) { g.limit = bytes }
