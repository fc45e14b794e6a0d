// One scenario of scenarios.ts with franz-go: franz-go <scenario> <bootstrap> <prefix> [argument].
// Prints what it saw as one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Only ends a test that would hang.
const deadline = time.Minute

type saw map[string]any

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func client(bootstrap string, options ...kgo.Opt) *kgo.Client {
	return must(kgo.NewClient(append(options, kgo.SeedBrokers(bootstrap), kgo.MetadataMinAge(100*time.Millisecond))...))
}

func create(ctx context.Context, bootstrap string, topic string, partitions int32) {
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	must(admin.CreateTopic(ctx, partitions, 1, nil, topic))
}

func until(ctx context.Context, what string, condition func() bool) {
	for !condition() {
		if ctx.Err() != nil {
			check(fmt.Errorf("%s did not happen within %s", what, deadline))
		}
	}
}

func consume(ctx context.Context, bootstrap, topic, group string, count int) []*kgo.Record {
	consumer := client(bootstrap, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	defer consumer.Close()
	var seen []*kgo.Record
	for len(seen) < count {
		fetches := consumer.PollFetches(ctx)
		check(fetches.Err())
		seen = append(seen, fetches.Records()...)
	}
	check(consumer.CommitUncommittedOffsets(ctx))
	return seen
}

func metadata(ctx context.Context, bootstrap, prefix, _ string) any {
	create(ctx, bootstrap, prefix+"-a", 2)
	create(ctx, bootstrap, prefix+"-b", 1)
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	result := saw{}
	// A broker of Apache Kafka hears of a new topic a little after its controller.
	until(ctx, "both topics", func() bool {
		for name, topic := range must(admin.ListTopics(ctx)) {
			if strings.HasPrefix(name, prefix) {
				result[name] = len(topic.Partitions)
			}
		}
		return len(result) == 2
	})
	return result
}

func idempotent(ctx context.Context, bootstrap, topic, codec string) any {
	create(ctx, bootstrap, topic, 3)
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	producer := client(bootstrap, kgo.DefaultProduceTopic(topic), kgo.ProducerBatchCompression(codecs[codec]),
		kgo.ProducerLinger(50*time.Millisecond))
	for i := range 300 {
		value := []byte(strconv.Itoa(i))
		producer.Produce(ctx, &kgo.Record{
			Key: fmt.Appendf(nil, "key-%d", i%10), Value: value, Headers: []kgo.RecordHeader{{Key: "n", Value: value}},
		}, func(_ *kgo.Record, err error) { check(err) })
	}
	check(producer.Flush(ctx))
	producer.Close()
	values, last, ordered, headers := map[string]bool{}, map[string]int{}, true, true
	for _, record := range consume(ctx, bootstrap, topic, topic+"-group", 300) {
		number := must(strconv.Atoi(string(record.Value)))
		before, known := last[string(record.Key)]
		ordered = ordered && (!known || before < number)
		last[string(record.Key)] = number
		values[string(record.Value)] = true
		headers = headers && len(record.Headers) == 1 && string(record.Headers[0].Value) == string(record.Value)
	}
	return saw{"count": len(values), "ordered": ordered, "headers": headers}
}

func group(ctx context.Context, bootstrap, topic, _ string) any {
	create(ctx, bootstrap, topic, 4)
	admin := kadm.NewClient(client(bootstrap))
	defer admin.Close()
	member := func() *kgo.Client {
		return client(bootstrap, kgo.ConsumerGroup(topic+"-group"), kgo.ConsumeRegex(), kgo.ConsumeTopics("^"+topic+"$"),
			kgo.HeartbeatInterval(500*time.Millisecond), kgo.Balancers(kgo.CooperativeStickyBalancer()))
	}
	// The sizes of the members' shares, smallest first, and all partitions together.
	shares := func() (string, []int) {
		described := must(admin.DescribeGroups(ctx, topic+"-group"))[topic+"-group"]
		var sizes, partitions []int
		for _, member := range described.Members {
			size := 0
			if assigned, ok := member.Assigned.AsConsumer(); ok && described.State == "Stable" {
				for _, topic := range assigned.Topics {
					for _, partition := range topic.Partitions {
						partitions = append(partitions, int(partition))
					}
					size += len(topic.Partitions)
				}
			}
			sizes = append(sizes, size)
		}
		sort.Ints(sizes)
		sort.Ints(partitions)
		return fmt.Sprint(sizes), partitions
	}
	wanted := func(sizes string) func() bool {
		return func() bool { found, _ := shares(); return found == sizes }
	}
	first := member()
	go first.PollFetches(ctx)
	until(ctx, "the first member's assignment", wanted("[4]"))
	second := member()
	go second.PollFetches(ctx)
	until(ctx, "the rebalance to two members", wanted("[2 2]"))
	_, shared := shares()
	first.Close()
	until(ctx, "the rebalance back to one member", wanted("[4]"))
	second.Close()
	return saw{"shared": shared}
}

func times(ctx context.Context, bootstrap, topic, _ string) any {
	create(ctx, bootstrap, topic, 1)
	producer := client(bootstrap, kgo.DefaultProduceTopic(topic))
	defer producer.Close()
	for _, millis := range []int64{1000, 2000, 3000} {
		record := &kgo.Record{Value: []byte("x"), Timestamp: time.UnixMilli(millis)}
		check(producer.ProduceSync(ctx, record).FirstErr())
	}
	admin := kadm.NewClient(producer)
	low := must(admin.ListStartOffsets(ctx, topic))[topic][0].Offset
	high := must(admin.ListEndOffsets(ctx, topic))[topic][0].Offset
	var offsets []int64
	for _, millis := range []int64{0, 1500, 3000, 9000} {
		found := must(admin.ListOffsetsAfterMilli(ctx, millis, topic))[topic][0]
		// kadm gives the end, without a time, where no record is that new.
		if found.Timestamp == -1 {
			found.Offset = -1
		}
		offsets = append(offsets, found.Offset)
	}
	return saw{"offsets": offsets, "low": low, "high": high}
}

func admin(ctx context.Context, bootstrap, topic, _ string) any {
	producer := client(bootstrap, kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	defer producer.Close()
	admin := kadm.NewClient(producer)
	five, six := "5000", "6000"
	must(admin.CreateTopic(ctx, 1, 1, map[string]*string{"retention.ms": &five}, topic))
	_, again := admin.CreateTopic(ctx, 1, 1, nil, topic)
	var refused *kerr.Error
	errors.As(again, &refused)
	check(must(admin.UpdatePartitions(ctx, 3, topic)).Error())
	until(ctx, "the new partitions", func() bool {
		return len(must(admin.ListTopics(ctx, topic))[topic].Partitions) == 3
	})
	retention := func() string {
		for _, config := range must(must(admin.DescribeTopicConfigs(ctx, topic)).On(topic, nil)).Configs {
			if config.Key == "retention.ms" {
				return config.MaybeValue()
			}
		}
		return ""
	}
	before := retention()
	must(admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: "retention.ms", Value: &six}}, topic))
	until(ctx, "the changed setting", func() bool { return retention() == six })

	check(producer.ProduceSync(ctx, &kgo.Record{Value: []byte("x")}).FirstErr())
	group := topic + "-group"
	consume(ctx, bootstrap, topic, group, 1)
	_, listed := must(admin.ListGroups(ctx))[group]
	described := must(admin.DescribeGroups(ctx, group))[group]
	committed := must(admin.FetchOffsets(ctx, group))
	at, _ := committed.Lookup(topic, 0)
	result := saw{
		"refused": refused.Message, "retention": []string{before, retention()}, "listed": listed,
		"state": strings.ToUpper(described.State), "committed": saw{"0": at.At},
		"brokers": len(must(admin.ListBrokers(ctx))),
	}
	must(admin.DeleteGroups(ctx, group))
	must(admin.DeleteTopics(ctx, topic))
	until(ctx, "the topic's end", func() bool { return !must(admin.ListTopics(ctx)).Has(topic) })
	return result
}

// The error with which a transactional producer is refused, and whether franz-go tries again.
func transactions(ctx context.Context, bootstrap, topic, _ string) any {
	producer := client(bootstrap, kgo.TransactionalID(topic), kgo.DefaultProduceTopic(topic))
	defer producer.Close()
	err := producer.BeginTransaction()
	var refused *kerr.Error
	errors.As(err, &refused)
	return saw{"error": refused.Message, "retriable": refused.Retriable}
}

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	play := map[string]func(context.Context, string, string, string) any{
		"metadata": metadata, "idempotent": idempotent, "group": group, "times": times, "admin": admin,
		"transactions": transactions,
	}[os.Args[1]]
	argument := ""
	if len(os.Args) > 4 {
		argument = os.Args[4]
	}
	check(json.NewEncoder(os.Stdout).Encode(saw{"saw": play(ctx, os.Args[2], os.Args[3], argument)}))
}
