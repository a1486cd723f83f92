package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

const patience = 30 * time.Second

func transactions(client *redis.Client, form string) {
	fact := func(name string) string { return form + "_" + name }

	var sum *redis.IntCmd
	_, err := client.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
		pipe.Set(ctx, "go:t", "1", 0)
		sum = pipe.IncrBy(ctx, "go:t", 4)
		return nil
	})
	tell(fact("executes_transactions"), err == nil && sum.Val() == 5, sum, err)

	err = client.Watch(ctx, func(tx *redis.Tx) error {
		client.Set(ctx, "go:t", "other", 0)
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "go:t", "mine", 0)
			return nil
		})
		return err
	}, "go:t")
	got := client.Get(ctx, "go:t").Val()
	tell(fact("hears_of_watched_keys"), errors.Is(err, redis.TxFailedErr) && got == "other", got, err)

	client.Del(ctx, "go:sum")
	var all sync.WaitGroup
	for i := 0; i < 8; i++ {
		all.Add(1)
		go func() {
			defer all.Done()
			for j := 0; j < 25; j++ {
				for add(client) != nil {
				}
			}
		}()
	}
	all.Wait()
	got = client.Get(ctx, "go:sum").Val()
	tell(fact("loses_no_update"), got == "200", got)
}

// add adds one to a sum, or fails when somebody else was faster.
func add(client *redis.Client) error {
	return client.Watch(ctx, func(tx *redis.Tx) error {
		old, _ := tx.Get(ctx, "go:sum").Int()
		_, err := tx.TxPipelined(ctx, func(pipe redis.Pipeliner) error {
			pipe.Set(ctx, "go:sum", old+1, 0)
			return nil
		})
		return err
	}, "go:sum")
}

func listening(client *redis.Client, form string) {
	fact := func(name string) string { return form + "_" + name }

	ear := client.PSubscribe(ctx, "go:news.*")
	defer ear.Close()
	_, err := ear.ReceiveTimeout(ctx, patience)
	tell(fact("subscribes"), err == nil, err)
	heard := ear.Channel(redis.WithChannelSize(2000))
	for i := 0; i < 1000; i++ {
		client.Publish(ctx, "go:news.x", i)
	}
	good := true
	for i := 0; i < 1000 && good; i++ {
		select {
		case message := <-heard:
			good = message.Channel == "go:news.x" && message.Payload == strconv.Itoa(i)
		case <-time.After(patience):
			good = false
		}
	}
	tell(fact("hears_a_thousand_in_order"), good)
	patterns, err := client.PubSubNumPat(ctx).Result()
	tell(fact("counts_listeners"), err == nil && patterns == 1, patterns, err)
}

func overTLS(port, authority string) {
	text, err := os.ReadFile(authority)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(text)
	client := redis.NewClient(&redis.Options{
		Addr:      "127.0.0.1:" + port,
		TLSConfig: &tls.Config{RootCAs: roots},
	})
	value := strings.Repeat("x", 1<<20)
	err2 := client.Set(ctx, "go:tls", value, 0).Err()
	got, err3 := client.Get(ctx, "go:tls").Result()
	tell("go_redis_works_over_tls", err == nil && err2 == nil && err3 == nil && got == value, err, err2, err3)

	stranger := redis.NewClient(&redis.Options{
		Addr:       "127.0.0.1:" + port,
		TLSConfig:  &tls.Config{},
		MaxRetries: -1,
	})
	err = stranger.Ping(ctx).Err()
	tell("go_redis_wants_an_authority", err != nil && strings.Contains(err.Error(), "certificate"), err)
}
