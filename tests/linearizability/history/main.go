// history records what eight clients saw of a server that may be killed,
// stopped and restarted meanwhile, and judges with porcupine whether some order
// of the operations explains it in which each takes effect at one moment
// between its call and its return.
//
//	history PORT SEED OPERATIONS [FILE]	record and judge
//	history judge				histories that must be refuted
//
// An operation whose reply was an error or never came has an unknown outcome:
// it may take effect at any later time, or never. Values are unique, so that a
// read tells which write it saw. Exit status 1: no order explains it, and FILE
// has the history as a page to look at.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	clients    = 8
	keys       = 8 // of each kind
	groupKeys  = 3
	absent     = "(nil)"
	patience   = 20 * time.Second
	checkLimit = 3 * time.Minute
)

// -- the protocol, as little of it as is needed --

type conn struct {
	net.Conn
	in *bufio.Reader
}

var errReply = errors.New("error reply")

func dial(address string) (*conn, error) {
	raw, err := net.DialTimeout("tcp", address, time.Second)
	if err != nil {
		return nil, err
	}
	return &conn{raw, bufio.NewReader(raw)}, nil
}

func (c *conn) read() ([]string, error) {
	line, err := c.in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	line = strings.TrimRight(line, "\r\n")
	switch line[0] {
	case '+', ':':
		return []string{line[1:]}, nil
	case '-':
		return nil, fmt.Errorf("%w: %s", errReply, line[1:])
	case '$':
		length, err := strconv.Atoi(line[1:])
		if err != nil || length < 0 {
			return []string{absent}, err
		}
		bytes := make([]byte, length+2)
		for got := 0; got < len(bytes); {
			n, err := c.in.Read(bytes[got:])
			if err != nil {
				return nil, err
			}
			got += n
		}
		return []string{string(bytes[:length])}, nil
	case '*':
		count, err := strconv.Atoi(line[1:])
		var all []string
		for i := 0; i < count && err == nil; i++ {
			var one []string
			one, err = c.read()
			all = append(all, one...)
		}
		return all, err
	}
	return nil, fmt.Errorf("not RESP: %q", line)
}

func (c *conn) call(words []string) ([]string, error) {
	var out strings.Builder
	fmt.Fprintf(&out, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&out, "$%d\r\n%s\r\n", len(word), word)
	}
	c.SetDeadline(time.Now().Add(patience))
	if _, err := c.Write([]byte(out.String())); err != nil {
		return nil, err
	}
	return c.read()
}

// -- what is recorded --

type input struct {
	place int      // the keys that it concerns: one partition each
	words []string // the command; keys by their number in the place
}

type output struct {
	known bool
	reply []string
}

// The state of a place: the values of its keys, one behind the other.
type state [groupKeys]string

// apply gives the state after the command and what it answers.
func apply(before state, words []string) (state, []string) {
	after := before
	number := func(word string) int {
		n, _ := strconv.Atoi(word[strings.LastIndex(word, ":")+1:])
		return n
	}
	first := 0
	if len(words) > 1 {
		first = number(words[1])
	}
	switch words[0] {
	case "GET":
		return before, []string{before[first]}
	case "SET":
		after[first] = words[2]
		return after, []string{"OK"}
	case "SETNX":
		if before[first] != absent {
			return before, []string{"0"}
		}
		after[first] = words[2]
		return after, []string{"1"}
	case "GETSET":
		after[first] = words[2]
		return after, []string{before[first]}
	case "DEL":
		count := 0
		for _, word := range words[1:] {
			if after[number(word)] != absent {
				count++
			}
			after[number(word)] = absent
		}
		return after, []string{strconv.Itoa(count)}
	case "INCR":
		n := 0
		if before[first] != absent {
			n, _ = strconv.Atoi(before[first])
		}
		after[first] = strconv.Itoa(n + 1)
		return after, []string{after[first]}
	case "MSET":
		for i := 1; i < len(words); i += 2 {
			after[number(words[i])] = words[i+1]
		}
		return after, []string{"OK"}
	case "MGET":
		var reply []string
		for _, word := range words[1:] {
			reply = append(reply, before[number(word)])
		}
		return before, reply
	}
	panic(words[0])
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		places := map[int][]porcupine.Operation{}
		for _, op := range history {
			place := op.Input.(input).place
			places[place] = append(places[place], op)
		}
		var parts [][]porcupine.Operation
		for _, part := range places {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() interface{} {
		var none state
		for i := range none {
			none[i] = absent
		}
		return none
	},
	Step: func(before, in, out interface{}) (bool, interface{}) {
		after, reply := apply(before.(state), in.(input).words)
		seen := out.(output)
		return !seen.known || equal(reply, seen.reply), after
	},
	DescribeOperation: func(in, out interface{}) string {
		seen := out.(output)
		if !seen.known {
			return strings.Join(in.(input).words, " ") + " -> ?"
		}
		return strings.Join(in.(input).words, " ") + " -> " +
			strings.Join(seen.reply, " ")
	},
	DescribeState: func(s interface{}) string {
		return fmt.Sprint(s)
	},
}

// -- recording --

type recorder struct {
	sync.Mutex
	began   time.Time
	history []porcupine.Operation
	left    int
	unique  int
	unknown int
}

func (r *recorder) next() (int, bool) {
	r.Lock()
	defer r.Unlock()
	r.left--
	r.unique++
	return r.unique, r.left >= 0
}

// add appends an operation; a read of unknown outcome says nothing.
func (r *recorder) add(client int, in input, call int64, reply []string,
	known bool) {
	reads := in.words[0] == "GET" || in.words[0] == "MGET"
	end := time.Since(r.began).Nanoseconds()
	r.Lock()
	defer r.Unlock()
	if !known {
		r.unknown++
		if reads {
			return
		}
		end = int64(1) << 62
	}
	r.history = append(r.history, porcupine.Operation{ClientId: client,
		Input: in, Call: call, Output: output{known, reply}, Return: end})
}

// choose makes a command: of a register, of a counter, or of a group of keys.
func choose(random *rand.Rand, value string) input {
	n := random.Intn(keys)
	key := fmt.Sprintf("r:%d:0", n)
	switch random.Intn(3) {
	case 0:
		words := [][]string{{"GET", key}, {"GET", key}, {"SET", key, value},
			{"SETNX", key, value}, {"GETSET", key, value}, {"DEL", key}}
		return input{n, words[random.Intn(len(words))]}
	case 1:
		key = fmt.Sprintf("c:%d:0", n)
		words := [][]string{{"GET", key}, {"INCR", key}, {"INCR", key}}
		return input{keys + n, words[random.Intn(len(words))]}
	}
	group := func(i int) string { return fmt.Sprintf("g:%d:%d", n, i) }
	place := 2*keys + n
	switch random.Intn(5) {
	case 0, 1:
		return input{place, []string{"MGET", group(0), group(1), group(2)}}
	case 2, 3:
		return input{place, []string{"MSET", group(0), value, group(1),
			value, group(2), value}}
	}
	return input{place, []string{"DEL", group(0), group(1), group(2)}}
}

// run is one client, which connects again whenever it must.
func (r *recorder) run(client int, address string, seed int64) {
	random := rand.New(rand.NewSource(seed))
	var c *conn
	for {
		unique, more := r.next()
		if !more {
			break
		}
		for c == nil {
			var err error
			if c, err = dial(address); err != nil {
				c = nil
				time.Sleep(time.Millisecond)
			}
		}
		in := choose(random, fmt.Sprintf("%d-%d", client, unique))
		call := time.Since(r.began).Nanoseconds()
		reply, err := c.call(in.words)
		refused := err != nil && errors.Is(err, errReply) &&
			strings.Contains(err.Error(), "LOADING")
		if refused {
			// Nothing was done.
			time.Sleep(time.Millisecond)
			continue
		}
		r.add(client, in, call, reply, err == nil)
		if err != nil {
			c.Close()
			c = nil
		}
	}
	if c != nil {
		c.Close()
	}
}

func record(address string, seed int64, operations int) *recorder {
	r := &recorder{began: time.Now(), left: operations}
	var all sync.WaitGroup
	for i := 0; i < clients; i++ {
		all.Add(1)
		go func(client int) {
			defer all.Done()
			r.run(client, address, seed*clients+int64(client))
		}(i)
	}
	all.Wait()
	return r
}

func judge(r *recorder, file string) int {
	result, info := porcupine.CheckOperationsVerbose(model, r.history,
		checkLimit)
	fmt.Printf("operations=%d unknown=%d result=%s\n", len(r.history),
		r.unknown, result)
	if result == porcupine.Ok {
		return 0
	}
	if file != "" {
		if out, err := os.Create(file); err == nil {
			porcupine.Visualize(model, info, out)
			out.Close()
		}
	}
	return 1
}

// -- the test of the test --

func operation(client int, call, end int64, reply string,
	words ...string) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Call: call, Return: end,
		Input:  input{0, words},
		Output: output{true, strings.Fields(reply)}}
}

// Histories of servers that do what ours must not, and one that is sound.
func refute() int {
	k := [groupKeys]string{"g:0:0", "g:0:1", "g:0:2"}
	cases := []struct {
		name string
		want bool
		ops  []porcupine.Operation
	}{
		{"a_read_beside_a_write_sees_either", true, []porcupine.Operation{
			operation(0, 1, 10, "OK", "SET", k[0], "a"),
			operation(1, 2, 3, "a", "GET", k[0]),
			operation(2, 11, 12, "a", "GET", k[0])}},
		{"a_stale_read_is_refuted", false, []porcupine.Operation{
			operation(0, 1, 2, "OK", "SET", k[0], "a"),
			operation(0, 3, 4, "OK", "SET", k[0], "b"),
			operation(1, 5, 6, "a", "GET", k[0])}},
		{"a_lost_write_is_refuted", false, []porcupine.Operation{
			operation(0, 1, 2, "OK", "SET", k[0], "a"),
			operation(1, 3, 4, absent, "GET", k[0])}},
		{"a_risen_key_is_refuted", false, []porcupine.Operation{
			operation(0, 1, 2, "OK", "SET", k[0], "a"),
			operation(0, 3, 4, "1", "DEL", k[0]),
			operation(1, 5, 6, "a", "GET", k[0])}},
		{"half_an_mset_is_refuted", false, []porcupine.Operation{
			operation(0, 1, 2, "OK", "MSET", k[0], "a", k[1], "a"),
			operation(0, 3, 4, "OK", "MSET", k[0], "b", k[1], "b"),
			operation(1, 5, 6, "b a", "MGET", k[0], k[1])}},
		{"a_counter_that_repeats_is_refuted", false, []porcupine.Operation{
			operation(0, 1, 2, "1", "INCR", k[0]),
			operation(1, 3, 4, "1", "INCR", k[0])}},
		{"an_unknown_write_may_come_late", true, []porcupine.Operation{
			{ClientId: 0, Call: 1, Return: 1 << 62,
				Input:  input{0, []string{"SET", k[0], "a"}},
				Output: output{false, nil}},
			operation(1, 2, 3, absent, "GET", k[0]),
			operation(1, 4, 5, "a", "GET", k[0])}},
	}
	failed := 0
	for _, c := range cases {
		if porcupine.CheckOperations(model, c.ops) == c.want {
			fmt.Println("ok", c.name)
		} else {
			fmt.Println("not ok", c.name)
			failed = 1
		}
	}
	return failed
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "judge" {
		os.Exit(refute())
	}
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr,
			"usage: history PORT SEED OPERATIONS [FILE] | history judge")
		os.Exit(64)
	}
	seed, err := strconv.ParseInt(os.Args[2], 10, 64)
	operations, err2 := strconv.Atoi(os.Args[3])
	if err != nil || err2 != nil {
		fmt.Fprintln(os.Stderr, "history: not a number")
		os.Exit(64)
	}
	file := ""
	if len(os.Args) > 4 {
		file = os.Args[4]
	}
	r := record("127.0.0.1:"+os.Args[1], seed, operations)
	os.Exit(judge(r, file))
}
