// What an exporter in Go does to know the lag of every group, with franz-go's kadm: kadm-loop <bootstrap>.
// Collects once for each line on its standard input, and prints one line of JSON about it. A collection reads metadata, the list of
// groups and their descriptions, committed offsets, then log starts, last stable offsets and ends, and computes the lag. The log
// directories come after that and are timed apart. It keeps the last collection, and neither settings nor a page of metrics.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Only ends a collection that would hang.
const deadline = 2 * time.Minute

type collection struct {
	Milliseconds float64 `json:"ms"`
	Requests     int64   `json:"requests"`
	// The log directories come after the lag; what the collection takes without them.
	LagMilliseconds float64 `json:"lagMs"`
	LagRequests     int64   `json:"lagRequests"`
	Partitions      int     `json:"partitions"`
	Groups          int     `json:"groups"`
	Lag             int64   `json:"lag"`
	ReplicasInDirs  int     `json:"replicasInDirs"`
}

// What an exporter has in memory between two collections.
type seen struct {
	metadata   kadm.Metadata
	groups     map[string]kadm.GroupLag
	lastStable kadm.ListedOffsets
	logDirs    kadm.DescribedAllLogDirs
}

// Counts requests that were written to a broker.
type counter struct{ requests atomic.Int64 }

func (c *counter) OnBrokerWrite(_ kgo.BrokerMetadata, _ int16, _ int, _, _ time.Duration, err error) {
	if err == nil {
		c.requests.Add(1)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// Runs all at once. Each writes to variables of its own.
func together(readers ...func() error) {
	var group sync.WaitGroup
	for _, read := range readers {
		group.Go(func() { check(read()) })
	}
	group.Wait()
}

func collect(ctx context.Context, admin *kadm.Client, sent *counter) (seen, collection) {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	started, before := time.Now(), sent.requests.Load()
	now := seen{groups: map[string]kadm.GroupLag{}}

	var listed kadm.ListedGroups
	together(
		func() (err error) { now.metadata, err = admin.Metadata(ctx); return err },
		func() (err error) { listed, err = admin.ListGroups(ctx); return err },
	)
	topics := now.metadata.Topics.Names()

	var described kadm.DescribedGroups
	var committed kadm.FetchOffsetsResponses
	together(
		func() (err error) { described, err = admin.DescribeGroups(ctx, listed.Groups()...); return err },
		func() error { committed = admin.FetchManyOffsets(ctx, listed.Groups()...); return committed.Error() },
	)
	// After the committed offsets, so that no lag is negative.
	var starts, ends kadm.ListedOffsets
	together(
		func() (err error) { starts, err = admin.ListStartOffsets(ctx, topics...); return err },
		func() (err error) { now.lastStable, err = admin.ListCommittedOffsets(ctx, topics...); return err },
		func() (err error) { ends, err = admin.ListEndOffsets(ctx, topics...); return err },
	)
	var lag int64
	for name, group := range described {
		now.groups[name] = kadm.CalculateGroupLagWithStartOffsets(group, committed[name].Fetched, starts, ends)
		lag += now.groups[name].Total()
	}
	lagTook, lagRequests := time.Since(started), sent.requests.Load()-before

	var err error
	now.logDirs, err = admin.DescribeAllLogDirs(ctx, nil)
	check(err)
	took := collection{
		Milliseconds:    float64(time.Since(started).Microseconds()) / 1000,
		Requests:        sent.requests.Load() - before,
		LagMilliseconds: float64(lagTook.Microseconds()) / 1000,
		LagRequests:     lagRequests,
		Groups:          len(now.groups),
		Lag:             lag,
	}
	ends.Each(func(kadm.ListedOffset) { took.Partitions++ })
	now.logDirs.Each(func(dir kadm.DescribedLogDir) {
		dir.Topics.Each(func(kadm.DescribedLogDirPartition) { took.ReplicasInDirs++ })
	})
	return now, took
}

func main() {
	sent := &counter{}
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.WithHooks(sent))
	check(err)
	admin := kadm.NewClient(client)
	defer admin.Close()
	var last seen
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		next, took := collect(context.Background(), admin, sent)
		last = next
		check(json.NewEncoder(os.Stdout).Encode(took))
	}
	_ = last
}
