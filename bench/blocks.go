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
	want   int // how many to wait for at a time
	n      int // reads in all
}

// byRing reads n blocks in random order, depth at a time, into registered buffers
// from a direct descriptor. When all is ready it calls during with what reads.
func (b blockReads) byRing(seed uint64, during func(read func() error) error) (err error) {
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
	l := &readLoop{
		blockReads: b, ring: r, fd: dst[0].Direct().FD(), dst: dst, jobs: make([]readJob, b.depth),
		rng: rand.New(rand.NewPCG(seed, 1)), reqs: make([]ops.Request, 0, b.depth),
	}
	for i := range l.jobs {
		if l.jobs[i].buf, err = pool.Get(blockSize); err != nil {
			return err
		}
		defer l.jobs[i].buf.Release()
	}
	return during(l.read)
}

// readLoop is what byRing reads with.
type readLoop struct {
	blockReads
	ring *ring.Ring
	fd   int
	dst  []ops.Completion
	jobs []readJob
	rng  *rand.Rand
	reqs []ops.Request // to be queued
	rest int           // reads that have not been made
}

// readJob is a read that is under way.
type readJob struct {
	buf   ops.Fixed
	block int64
}

// next has j read another block.
func (l *readLoop) next(j *readJob) {
	l.rest--
	j.block = l.rng.Int64N(l.file.blocks)
	l.reqs = append(l.reqs, ops.ReadFixed(l.fd, j.buf, j.block*blockSize).WithTag(j))
}

func (l *readLoop) read() error {
	l.rest = l.n
	for i := range min(l.depth, l.n) {
		l.next(&l.jobs[i])
	}
	if err := l.queue(); err != nil {
		return err
	}
	for left := l.n; left > 0; {
		k, err := l.ring.Wait(l.dst, min(l.want, left), ring.Forever)
		if err != nil {
			return err
		}
		if err := l.replace(l.dst[:k]); err != nil {
			return err
		}
		left -= k
	}
	return nil
}

// replace has another read for each that is done, a few at a time, so that what it
// touches is still in the processor's caches. The first few are handed over at once,
// since a device that has done all there was is idle until then.
func (l *readLoop) replace(all []ops.Completion) error {
	few := max(l.depth/8, 1)
	for first := true; len(all) > few; first = false {
		if err := errors.Join(l.look(all[:few]), l.queue()); err != nil {
			return err
		}
		if first && l.direct {
			if err := l.ring.Flush(); err != nil {
				return err
			}
		}
		all = all[few:]
	}
	return errors.Join(l.look(all), l.queue())
}

// queue queues what next has made.
func (l *readLoop) queue() error {
	err := l.ring.QueueAll(l.reqs, nil)
	l.reqs = l.reqs[:0]
	return err
}

// look checks what was read, and then makes the next reads. The device has written it,
// so it comes from memory: with little between two looks, the processor waits for
// several at a time.
func (l *readLoop) look(all []ops.Completion) error {
	for i := range all {
		c := &all[i]
		if err := c.Err(); err != nil {
			return err
		}
		if err := l.file.check(c.Buf, c.N(), c.Tag.(*readJob).block); err != nil {
			return err
		}
	}
	for i := range all[:min(len(all), l.rest)] {
		l.next(all[i].Tag.(*readJob))
	}
	return nil
}

// byRings reads n blocks on each of several rings at a time, each on a goroutine
// of its own, and measures from when all are ready until the last has read.
func (b blockReads) byRings(rings int) ([]float64, error) {
	var ready, done, ended sync.WaitGroup
	begin := make(chan struct{})
	failed := make([]error, rings)
	for i := range rings {
		ready.Add(1)
		done.Add(1)
		ended.Go(func() {
			isReady, isDone := sync.OnceFunc(ready.Done), sync.OnceFunc(done.Done)
			defer isReady() // if it could not begin
			defer isDone()
			failed[i] = b.byRing(uint64(i), func(read func() error) error {
				defer isDone()
				isReady()
				<-begin
				return read()
			})
		})
	}
	ready.Wait()
	v, err := rateOf(rings*b.n, func() error {
		close(begin)
		done.Wait()
		return nil
	})
	ended.Wait()
	return v, errors.Join(append(failed, err)...)
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
