package main

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valyala/fasthttp"
)

const batchSize = 100

// errFailed says that a side didn't answer everything well, so that there is
// nothing to compare.
var errFailed = errors.New("not every request was answered well")

// generator sends the same requests to whichever side has its turn.
type generator struct {
	workers int
	token   string
	now     func() time.Time
}

// sample is one turn.
type sample struct {
	perSecond float64 // URLs
	p50, p99  time.Duration
	cpu       time.Duration // per URL
	strangers float64       // cores that others computed on
}

type series []sample

func perSecond(s sample) float64 { return s.perSecond }
func p50(s sample) float64       { return float64(s.p50) }
func p99(s sample) float64       { return float64(s.p99) }
func cpu(s sample) float64       { return float64(s.cpu) }
func strangers(s sample) float64 { return s.strangers }

// median is the median of one measure.
func (s series) median(of func(sample) float64) float64 {
	values := make([]float64, len(s))
	for i, sample := range s {
		values[i] = of(sample)
	}
	return median(values)
}

func median(values []float64) float64 {
	return slices.Sorted(slices.Values(values))[len(values)/2]
}

// turn loads an entry's side for a while, as fast as it answers where rate is
// 0, and adds what was measured. A short warm-up goes before.
func (g generator) turn(ctx context.Context, entry *entry, length time.Duration, rate float64, into *series) error {
	if _, err := g.load(ctx, entry, length/8, rate); err != nil {
		return err
	}
	before, err := entry.side.spent()
	if err != nil {
		return err
	}
	begin := g.now()
	latencies, err := g.load(ctx, entry, length, rate)
	if err != nil {
		return err
	}
	took := g.now().Sub(begin)
	after, err := entry.side.spent()
	if err != nil {
		return err
	}
	slices.Sort(latencies)
	urls := float64(len(latencies) * entry.task.urls)
	*into = append(*into, sample{
		perSecond: urls / took.Seconds(), p50: latencies[len(latencies)/2], p99: latencies[len(latencies)*99/100],
		cpu:       time.Duration(float64(after.side-before.side) / urls),
		strangers: after.strangers(before).Seconds() / took.Seconds(),
	})
	return nil
}

// load sends requests over the generator's connections and returns how long
// each took. At a given rate a request counts from when it was due, so that a
// side that stalls doesn't slow its own load.
func (g generator) load(ctx context.Context, entry *entry, length time.Duration, rate float64) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	client := &fasthttp.HostClient{Addr: entry.side.address, MaxConns: g.workers}
	defer client.CloseIdleConnections()
	took := make([][]time.Duration, g.workers)
	failures := make([]error, g.workers)
	begin := g.now()
	var working sync.WaitGroup
	for worker := range g.workers {
		working.Go(func() {
			due := begin
			if rate > 0 {
				due = begin.Add(time.Duration(float64(worker) / rate * float64(time.Second)))
			}
			took[worker], failures[worker] = g.work(ctx, client, entry, due, rate)
		})
	}
	working.Wait()
	if err := errors.Join(failures...); err != nil {
		return nil, fmt.Errorf("%s: %w", entry.side.name, err)
	}
	all := slices.Concat(took...)
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: %s answered nothing", errFailed, entry.side.name)
	}
	return all, nil
}

// work sends requests one after another until ctx ends.
func (g generator) work(ctx context.Context, client *fasthttp.HostClient, entry *entry, due time.Time, rate float64) ([]time.Duration, error) {
	request := entry.task.request(entry.side.address, g.token)
	response := fasthttp.AcquireResponse()
	defer fasthttp.ReleaseResponse(response)
	var took []time.Duration
	for {
		if rate > 0 {
			select {
			case <-time.After(due.Sub(g.now())):
			case <-ctx.Done():
			}
		} else {
			due = g.now()
		}
		if ctx.Err() != nil {
			return took, nil
		}
		if err := client.Do(request, response); err != nil {
			return nil, err
		}
		if response.StatusCode() != entry.task.status {
			return nil, fmt.Errorf("%w: %d", errFailed, response.StatusCode())
		}
		took = append(took, g.now().Sub(due))
		if rate > 0 {
			due = due.Add(time.Duration(float64(g.workers) / rate * float64(time.Second)))
		}
	}
}

// rawSignatures counts what the signature alone allows on all cores, per
// second.
func rawSignatures(ctx context.Context, key crypto.Signer, length time.Duration) (float64, error) {
	ctx, cancel := context.WithTimeout(ctx, length)
	defer cancel()
	digest := sha256.Sum256([]byte("policy"))
	var count atomic.Int64
	var failed atomic.Pointer[error]
	var signing sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		signing.Go(func() {
			for ctx.Err() == nil {
				if _, err := key.Sign(rand.Reader, digest[:], crypto.SHA256); err != nil {
					failed.Store(&err)
					return
				}
				count.Add(1)
			}
		})
	}
	signing.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(count.Load()) / length.Seconds(), nil
}
