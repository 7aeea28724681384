module github.com/sluicego/sluice/bench

go 1.25.0

require (
	github.com/sluicego/sluice v0.0.0
	golang.org/x/sys v0.47.0
)

replace github.com/sluicego/sluice => ../
