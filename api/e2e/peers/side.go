package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// side is one running service, with its child processes.
type side struct {
	name    string
	address string
	command *exec.Cmd
}

// start runs a service and waits until it takes connections.
func start(ctx context.Context, name string, command *exec.Cmd, address string) (*side, error) {
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s := &side{name: name, address: address, command: command}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err == nil {
			return s, connection.Close()
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			s.stop()
			return nil, fmt.Errorf("%s doesn't answer: %w", name, err)
		}
	}
}

func (s *side) stop() {
	_ = s.command.Process.Signal(os.Interrupt)
	_ = s.command.Wait()
}

// cpu is the time that the service has computed so far, all of its processes.
func (s *side) cpu() (time.Duration, error) {
	pids, err := s.pids()
	if err != nil {
		return 0, err
	}
	total := time.Duration(0)
	for _, pid := range pids {
		took, err := processTime(pid)
		if err != nil {
			return 0, err
		}
		total += took
	}
	return total, nil
}

// peakMiB is the most memory that the service has had, summed over its
// processes; 0 where it can't be read.
func (s *side) peakMiB() float64 {
	pids, err := s.pids()
	if err != nil {
		return 0
	}
	total := 0.0
	for _, pid := range pids {
		text, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			return 0
		}
		_, peak, _ := strings.Cut(string(text), "VmHWM:")
		if fields := strings.Fields(peak); len(fields) > 0 {
			kib, _ := strconv.ParseFloat(fields[0], 64)
			total += kib / 1024
		}
	}
	return total
}

// pids are the service's process and its children.
func (s *side) pids() ([]string, error) {
	pid := strconv.Itoa(s.command.Process.Pid)
	children, err := os.ReadFile("/proc/" + pid + "/task/" + pid + "/children")
	if err != nil {
		return nil, fmt.Errorf("this measures on Linux only: %w", err)
	}
	return append([]string{pid}, strings.Fields(string(children))...), nil
}
