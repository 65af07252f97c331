package server

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// instrumentation names who measures.
	instrumentation = "github.com/signgate/signgate"
	// lookEvery is how often the checks run for those who look at metrics.
	lookEvery = 30 * time.Second
	// flushTimeout bounds what a caller may have to wait for measurements.
	flushTimeout = time.Second
	// flushRest is how long nobody waits for them again.
	flushRest = 30 * time.Second
)

// telemetry hands the server what it measures with.
func (w *wiring) telemetry() {
	if w.env.Telemetry == nil {
		return
	}
	w.parts.Telemetry = Telemetry{Meter: w.env.Telemetry.Meter(instrumentation), Tracer: w.env.Telemetry.Tracer(instrumentation)}
	w.parts.Telemetry.KeySince = w.live.since
}

// watch looks after the server's health, and sends what a process that stands
// still couldn't send later.
func (w *wiring) watch(server *Server) {
	if server.instruments != nil {
		w.repeat(chore{lookEvery, server.lookAround})
	}
	if w.env.Telemetry == nil || !w.env.Frozen {
		return
	}
	w.repeat(chore{0, w.flush(server)})
}

// flush sends what was measured. Who waits for that is a caller, so that after
// a failure it rests: what is measured meanwhile goes along with the next. Lines
// for CloudWatch, by which alarms go, wait for nobody.
func (w *wiring) flush(server *Server) func(ctx context.Context) {
	var rests atomic.Pointer[time.Time]
	var owed atomic.Bool // something was measured during the rest
	return func(ctx context.Context) {
		fresh := server.instruments == nil || server.instruments.take()
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		if until := rests.Load(); until != nil && w.env.Now().Before(*until) {
			if fresh {
				owed.Store(true)
				if err := w.env.Telemetry.Write(ctx); err != nil {
					w.env.Log.WarnContext(ctx, "measurements could not be written", "error", err)
				}
			}
			return
		}
		if before := owed.Swap(false); !fresh && !before {
			return
		}
		if err := w.env.Telemetry.Flush(ctx); err != nil {
			rests.Store(new(w.env.Now().Add(flushRest)))
			w.env.Log.WarnContext(ctx, "measurements could not be sent; the next are when a while is over", "error", err, "while", flushRest)
		}
	}
}
