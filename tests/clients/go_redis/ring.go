package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ring writes keys over several servers with go-redis' own hashing, and reads
// them while one is gone and when it is back. A shard that is down is not to be
// taken out of the ring: its keys would be written elsewhere. HeartbeatFn says
// that it is there, and commands on its keys fail.
func ring(keys int, shards []string) {
	addresses := map[string]string{}
	for _, shard := range shards {
		name, address, _ := strings.Cut(shard, "=")
		addresses[name] = address
	}
	client := redis.NewRing(&redis.RingOptions{
		Addrs:      addresses,
		MaxRetries: -1,
		HeartbeatFn: func(_ context.Context, client *redis.Client) bool {
			return true
		},
	})
	input := bufio.NewReader(os.Stdin)

	pipe := client.Pipeline()
	for i := 0; i < keys; i++ {
		pipe.Set(ctx, "key:"+strconv.Itoa(i), i, 0)
	}
	_, err := pipe.Exec(ctx)
	tell("ring_writes_over_all_shards", err == nil, err)

	fmt.Println("written")
	lost, _ := input.ReadString('\n')
	err = client.Get(ctx, strings.TrimSpace(lost)).Err()
	tell("ring_refuses_keys_of_a_dead_shard", err != nil && err != redis.Nil, err)
	served := 0
	for i := 0; i < 100; i++ {
		if client.Get(ctx, "key:"+strconv.Itoa(i)).Err() == nil {
			served++
		}
	}
	tell("ring_serves_the_others_meanwhile", served > 20 && served < 100, served)

	fmt.Println("refused")
	input.ReadString('\n')
	for i := 0; i < 100; i++ {
		if client.Get(ctx, strings.TrimSpace(lost)).Err() == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	found := 0
	for i := 0; i < keys; i++ {
		got, err := client.Get(ctx, "key:"+strconv.Itoa(i)).Int()
		if err == nil && got == i {
			found++
		}
	}
	tell("ring_finds_everything_after_a_kill", found == keys, found)
}
