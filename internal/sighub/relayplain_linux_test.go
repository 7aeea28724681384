//go:build linux && ((!amd64 && !arm64) || sluice_plainsignals)

package sighub

func pretendForked() {}
