package firewall_test

import (
	"fmt"
	"net/netip"
	"syscall"
	"testing"
	"time"

	"parvis/firewall"
	"parvis/internal/mac"
)

// crowd is n grants in a network of a capacity beyond blocks of ports.
func crowd(tw *town, n int) []firewall.Grant {
	out := make([]firewall.Grant, n)
	for i := range out {
		out[i] = firewall.Grant{
			Slot: uint16(0x10 + i), MAC: mac.Addr{2, 0, 0, 1, byte(i >> 8), byte(i)},
			IPv4: netip.AddrFrom4([4]byte{10, 77, byte(100 + i>>8), byte(i)}), End: tw.clock.Boot().Add(time.Hour), Down: 10e6, Up: 5e6,
		}
	}
	return out
}

func benchTown(b *testing.B, n int) *town {
	tw := newTown(b, firewall.NFT)
	tw.cfg.Capacity = 10000
	tw.fw = tw.open(b, tw.cfg)
	must(b, tw.fw.Sync(crowd(tw, n)))
	return tw
}

func BenchmarkPut(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tw := benchTown(b, n)
			g := tw.grant()
			for i := 0; b.Loop(); i++ {
				g.Slot = uint16(0x10 + n + i%1000) // one that nobody had
				must(b, tw.fw.Put(g))
				b.StopTimer()
				must(b, tw.fw.Drop(g.Slot))
				_, err := tw.fw.Usage()
				must(b, err)
				b.StartTimer()
			}
		})
	}
}

func BenchmarkDrop(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tw := benchTown(b, n)
			g := tw.grant()
			g.Slot = 0x10 + 10000
			for b.Loop() {
				b.StopTimer()
				_, err := tw.fw.Usage()
				must(b, err)
				must(b, tw.fw.Put(g))
				b.StartTimer()
				must(b, tw.fw.Drop(g.Slot))
			}
		})
	}
}

func BenchmarkUsage(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tw := benchTown(b, n)
			for b.Loop() {
				u, err := tw.fw.Usage()
				must(b, err)
				if len(u) != n {
					b.Fatal(len(u))
				}
			}
		})
	}
}

func BenchmarkSync(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tw := benchTown(b, n)
			all := crowd(tw, n)
			for b.Loop() {
				must(b, tw.fw.Sync(all))
			}
		})
	}
}

// BenchmarkRestore is the first Sync after the machine has started: nothing of ours is in the kernel.
func BenchmarkRestore(b *testing.B) {
	for _, n := range []int{0, 1000, 10000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			tw := benchTown(b, 0)
			all := crowd(tw, n)
			for b.Loop() {
				b.StopTimer()
				must(b, tw.fw.Remove())
				b.StartTimer()
				must(b, tw.fw.Sync(all))
			}
		})
	}
}

// A glance costs the same whatever the number of guests.
func BenchmarkGlance(b *testing.B) {
	for _, backend := range []firewall.Backend{firewall.Legacy, firewall.NFT} {
		for _, n := range []int{0, 1000, 10000} {
			b.Run(fmt.Sprintf("%s/%d", backend, n), func(b *testing.B) {
				tw := newTown(b, backend)
				tw.cfg.Capacity = 10000
				tw.fw = tw.open(b, tw.cfg)
				must(b, tw.fw.Sync(crowd(tw, n)))
				tw.fw.Glance() // takes the notices of what was laid just now
				before := cpu(b)
				for b.Loop() {
					if e, is := tw.fw.Glance(); is {
						b.Fatal(e)
					}
				}
				b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
			})
		}
	}
}

// cpu is the time that this process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	must(b, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
