package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/sluicego/sluice/ops"
	"github.com/sluicego/sluice/ring"
)

const (
	blockSize = 4096
	blockMiB  = 256 // size of the file
)

// blockFile is a file of blocks that begin with their own number.
type blockFile struct {
	path   string
	blocks int64
}

func newBlockFile(dir string, blocks int64) (*blockFile, error) {
	f, err := os.CreateTemp(dir, "bench-blocks")
	if err != nil {
		return nil, err
	}
	b := &blockFile{path: f.Name(), blocks: blocks}
	w := bufio.NewWriterSize(f, 1<<20)
	block := make([]byte, blockSize)
	for i := range blocks {
		binary.LittleEndian.PutUint64(block, uint64(i))
		if _, err = w.Write(block); err != nil {
			break
		}
	}
	err = errors.Join(err, w.Flush(), f.Sync(), f.Close())
	if err != nil {
		return nil, errors.Join(err, os.Remove(b.path))
	}
	return b, nil
}

func (b *blockFile) remove() { os.Remove(b.path) }

// open opens the file. Past the page cache if direct is set: then nothing of it is
// left there.
func (b *blockFile) open(direct bool) (*os.File, error) {
	if !direct {
		return os.Open(b.path)
	}
	fd, err := unix.Open(b.path, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_DIRECT, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: O_DIRECT: %w", errMissing, err)
	}
	return os.NewFile(uintptr(fd), b.path), unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED)
}

// warm has the file in the page cache.
func (b *blockFile) warm() error {
	_, err := os.ReadFile(b.path)
	return err
}

// check looks whether data is what block i has.
func (b *blockFile) check(data []byte, n int, i int64) error {
	if got := binary.LittleEndian.Uint64(data); n != blockSize || got != uint64(i) {
		return fmt.Errorf("block %d: %d bytes, number %d", i, n, got)
	}
	return nil
}

// blockReads says how blocks are read.
type blockReads struct {
	file   *blockFile
	direct bool
	pinned bool
	depth  int // reads under way
	n      int // reads in all
}

// byRing reads n blocks in random order, depth at a time, into registered buffers
// from a direct descriptor. begin is called when all is ready, before the first.
func (b blockReads) byRing(seed uint64, begin func()) (err error) {
	f, err := b.file.open(b.direct)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := ring.New(ring.Config{Pinned: b.pinned})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	pool, err := r.NewBufferPool(ring.PoolConfig{Sizes: []int{blockSize}})
	if err != nil {
		return err
	}
	dst := make([]ops.Completion, b.depth)
	if _, err := r.Submit(ops.Register(int(f.Fd()))); err != nil {
		return err
	}
	if err := takeAll(r, dst[:1]); err != nil {
		return err
	}
	fd := dst[0].Direct().FD()
	rng := rand.New(rand.NewPCG(seed, 1))
	type job struct {
		buf   ops.Fixed
		block int64
	}
	jobs := make([]job, b.depth)
	reqs := make([]ops.Request, 0, b.depth)
	next := func(j *job) {
		j.block = rng.Int64N(b.file.blocks)
		reqs = append(reqs, ops.ReadFixed(fd, j.buf, j.block*blockSize).WithTag(j))
	}
	for i := range jobs {
		if jobs[i].buf, err = pool.Get(blockSize); err != nil {
			return err
		}
		defer jobs[i].buf.Release()
	}
	begin()
	started := min(b.depth, b.n)
	for i := range started {
		next(&jobs[i])
	}
	for done := 0; done < b.n; {
		if err := r.QueueAll(reqs, nil); err != nil {
			return err
		}
		reqs = reqs[:0]
		k, err := r.Wait(dst, 1, ring.Forever)
		if err != nil {
			return err
		}
		for i := range dst[:k] {
			c := &dst[i]
			j := c.Tag.(*job)
			if err := errors.Join(c.Err(), b.file.check(c.Buf, c.N(), j.block)); err != nil {
				return err
			}
			if started < b.n {
				started++
				next(j)
			}
		}
		done += k
	}
	return nil
}

// byRings reads n blocks on each of several rings at a time, each on a goroutine
// of its own, and measures from when all are ready.
func (b blockReads) byRings(rings int) ([]float64, error) {
	var ready, done sync.WaitGroup
	begin := make(chan struct{})
	failed := make([]error, rings)
	for i := range rings {
		ready.Add(1)
		done.Go(func() {
			once := sync.OnceFunc(ready.Done)
			defer once()
			failed[i] = b.byRing(uint64(i), func() { once(); <-begin })
		})
	}
	ready.Wait()
	return rateOf(rings*b.n, func() error {
		close(begin)
		done.Wait()
		return errors.Join(failed...)
	})
}

// byGoroutines has as many goroutines as the depth read n blocks in all, each by
// os.File.ReadAt.
func (b blockReads) byGoroutines() ([]float64, error) {
	f, err := b.file.open(b.direct)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	memory, err := unix.Mmap(-1, 0, b.depth*blockSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_POPULATE)
	if err != nil {
		return nil, err
	}
	defer unix.Munmap(memory)
	failed := make([]error, b.depth)
	each := max(b.n/b.depth, 1)
	return rateOf(each*b.depth, func() error {
		var all sync.WaitGroup
		for i := range b.depth {
			all.Go(func() {
				rng := rand.New(rand.NewPCG(uint64(i), 2))
				buf := memory[i*blockSize : (i+1)*blockSize]
				for range each {
					block := rng.Int64N(b.file.blocks)
					n, err := f.ReadAt(buf, block*blockSize)
					if err := errors.Join(err, b.file.check(buf, n, block)); err != nil {
						failed[i] = err
						return
					}
				}
			})
		}
		all.Wait()
		return errors.Join(failed...)
	})
}
