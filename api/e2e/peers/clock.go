package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// ticksPerSecond is the unit of times in /proc on Linux.
const ticksPerSecond = 100

// errProc says that this isn't Linux, or one that we don't know.
var errProc = errors.New("unreadable /proc")

// spent is computing time so far: of a side, of the load generator, and of the
// whole machine.
type spent struct{ side, generator, machine time.Duration }

func (s *side) spent() (spent, error) {
	ours, err := s.cpu()
	if err != nil {
		return spent{}, err
	}
	generator, err := processTime("self")
	if err != nil {
		return spent{}, err
	}
	machine, err := machineTime()
	return spent{ours, generator, machine}, err
}

// strangers is what neither the side nor the generator has computed since.
func (s spent) strangers(before spent) time.Duration {
	return max(0, s.machine-before.machine-(s.side-before.side)-(s.generator-before.generator))
}

// processTime is the time that a process has computed.
func processTime(pid string) (time.Duration, error) {
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0, err
	}
	// After the name in parentheses: state is the first field, user and
	// system time the 12th and 13th (proc(5)).
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errProc
	}
	return ticks(fields[11:13])
}

// machineTime is the time that all processes have computed, and the kernel for
// them: user, nice and system time, and that of interrupts (proc(5)).
func machineTime() (time.Duration, error) {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	fields := strings.Fields(line)
	if len(fields) < 8 || fields[0] != "cpu" {
		return 0, errProc
	}
	return ticks([]string{fields[1], fields[2], fields[3], fields[6], fields[7]})
}

func ticks(fields []string) (time.Duration, error) {
	total := 0
	for _, field := range fields {
		n, err := strconv.Atoi(field)
		if err != nil {
			return 0, fmt.Errorf("%w: %w", errProc, err)
		}
		total += n
	}
	return time.Duration(total) * time.Second / ticksPerSecond, nil
}
