// Command go_redis is the smoke test of go-redis with its defaults, RESP2 and
// TLS. It is started by test_go_redis.py, which tells the port, that of TLS, and
// the authority's certificate; and by test_shards.py with ring, a number of keys,
// and the shards.
package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func tell(name string, good bool, why ...any) {
	if good {
		fmt.Println("ok", name)
	} else {
		fmt.Println("not ok", name, fmt.Sprint(why...))
	}
}

func smoke(client *redis.Client, form string) {
	fact := func(name string) string { return form + "_" + name }

	pong, err := client.Ping(ctx).Result()
	tell(fact("connects_with_defaults"), err == nil && pong == "PONG", pong, err)

	err = client.Set(ctx, "go", "there", 0).Err()
	got, err2 := client.Get(ctx, "go").Result()
	tell(fact("sets_and_gets"), err == nil && err2 == nil && got == "there", got, err, err2)

	_, err = client.Get(ctx, "go:none").Result()
	tell(fact("misses"), err == redis.Nil, err)

	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	all = append(all, "\r\n$-1\r\n"...)
	err = client.Set(ctx, "go:binary", all, 0).Err()
	raw, err2 := client.Get(ctx, "go:binary").Bytes()
	tell(fact("keeps_bytes"), err == nil && err2 == nil && bytes.Equal(raw, all), err, err2)

	err = client.MSet(ctx, "go:a", "1", "go:b", "2").Err()
	many, err2 := client.MGet(ctx, "go:a", "go:none", "go:b").Result()
	tell(fact("reads_many"), err == nil && err2 == nil && len(many) == 3 &&
		many[0] == "1" && many[1] == nil && many[2] == "2", many, err, err2)

	client.Del(ctx, "go:n")
	number, err := client.Incr(ctx, "go:n").Result()
	number2, err2 := client.IncrBy(ctx, "go:n", 41).Result()
	tell(fact("counts"), err == nil && err2 == nil && number == 1 && number2 == 42, number, number2, err, err2)

	set, err := client.Expire(ctx, "go:n", time.Minute).Result()
	ttl, err2 := client.TTL(ctx, "go:n").Result()
	tell(fact("expires"), err == nil && err2 == nil && set && ttl > 50*time.Second && ttl <= time.Minute, ttl, err, err2)

	deleted, err := client.Del(ctx, "go:a", "go:b", "go:none").Result()
	tell(fact("deletes"), err == nil && deleted == 2, deleted, err)

	pipe := client.Pipeline()
	for i := 0; i < 1000; i++ {
		pipe.Set(ctx, "go:p"+strconv.Itoa(i), i, 0)
	}
	reads := make([]*redis.StringCmd, 1000)
	for i := range reads {
		reads[i] = pipe.Get(ctx, "go:p"+strconv.Itoa(i))
	}
	_, err = pipe.Exec(ctx)
	good := err == nil
	for i, read := range reads {
		good = good && read.Val() == strconv.Itoa(i)
	}
	tell(fact("pipelines_a_thousand"), good, err)
}

func main() {
	if os.Args[1] == "ring" {
		keys, _ := strconv.Atoi(os.Args[2])
		ring(keys, os.Args[3:])
		return
	}
	address := "127.0.0.1:" + os.Args[1]

	client := redis.NewClient(&redis.Options{Addr: address})
	smoke(client, "go_redis")
	transactions(client, "go_redis")
	listening(client, "go_redis")
	hello, err := client.Do(ctx, "HELLO").Result()
	reply, isMap := hello.(map[any]any)
	tell("go_redis_speaks_resp3", err == nil && isMap && reply["proto"] == int64(3), hello, err)

	old := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	smoke(old, "go_redis_resp2")
	transactions(old, "go_redis_resp2")
	listening(old, "go_redis_resp2")
	overTLS(os.Args[2], os.Args[3])

	fmt.Println("restart")
	bufio.NewReader(os.Stdin).ReadString('\n')
	var got string
	for i := 0; i < 100; i++ {
		if got, err = client.Get(ctx, "go").Result(); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	tell("go_redis_reconnects", got == "there", got, err)
}
