// The smoke test of ioredis with its defaults, RESP2 and TLS; test_node.py
// starts it and tells the port, that of TLS, and the authority's certificate.
'use strict';
const { readFileSync } = require('node:fs');
const Redis = require('ioredis');
const { equal, distrusts, queue, waitForRestart, patiently } = require('./smoke.js');

async function smoke(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);

	fact('connects_with_defaults', await client.ping(), 'PONG');
	fact('sets_and_gets', [await client.set('io', 'there'),
		await client.get('io')], ['OK', 'there']);
	fact('misses', await client.get('io:none'), null);
	const octets = Buffer.from([...Array(256).keys()]);
	await client.set('io:binary', octets);
	fact('keeps_bytes', octets.equals(await client.getBuffer('io:binary')),
		true);
	await client.mset('io:a', '1', 'io:b', '2');
	fact('reads_many', await client.mget('io:a', 'io:none', 'io:b'),
		['1', null, '2']);
	await client.del('io:n');
	fact('counts', [await client.incr('io:n'), await client.incrby('io:n', 41)],
		[1, 42]);
	await client.expire('io:n', 60);
	const ttl = await client.ttl('io:n');
	fact('expires', ttl > 50 && ttl <= 60, true);
	fact('deletes', await client.del('io:a', 'io:b', 'io:none'), 2);
	const pipe = client.pipeline();
	const values = [...Array(1000).keys()].map(String);
	for (const value of values)
		pipe.set(`io:p${value}`, value);
	for (const value of values)
		pipe.get(`io:p${value}`);
	const replies = await pipe.exec();
	fact('pipelines_a_thousand', replies.slice(1000).map(([, value]) => value),
		values);
}

async function transactions(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);
	const other = client.duplicate();

	fact('executes_transactions', await client.multi().set('io:t', '1')
		.incrby('io:t', 4).get('io:t').exec(),
		[[null, 'OK'], [null, 5], [null, '5']]);
	await client.watch('io:t');
	await other.set('io:t', 'other');
	fact('hears_of_watched_keys', await client.multi().set('io:t', 'mine')
		.exec(), null);
	await client.multi({ pipeline: false });
	await client.set('io:t', 'x');
	fact('discards', [await client.discard(), await client.get('io:t')],
		['OK', 'other']);
	other.disconnect();
}

async function listening(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);
	const ear = client.duplicate();
	const heard = queue();
	const messages = [...Array(1000).keys()].map(String);

	ear.on('message', (...words) => heard.put(words));
	ear.on('pmessage', (...words) => heard.put(words));
	fact('subscribes', [await ear.subscribe('io:a', 'io:b'),
		await ear.psubscribe('io:news.*')], [2, 3]);
	for (const message of messages)
		client.publish('io:a', message);
	fact('hears_a_thousand_in_order', await heard.take(1000),
		messages.map((message) => ['io:a', message]));
	fact('counts_listeners', [await client.publish('io:news.x', 'hello'),
		await client.pubsub('NUMPAT'),
		await client.pubsub('NUMSUB', 'io:a', 'io:none')],
		[1, 1, ['io:a', 1, 'io:none', 0]]);
	fact('hears_patterns', await heard.take(1),
		[['io:news.*', 'io:news.x', 'hello']]);
	fact('unsubscribes', [await ear.unsubscribe('io:a'),
		await client.publish('io:a', 'nobody')], [2, 0]);
	ear.disconnect();
}

async function tls(port, ca) {
	const client = new Redis(port, '127.0.0.1', { tls: { ca } });
	const value = 'x'.repeat(1 << 20);

	await client.set('io:tls', value);
	equal('ioredis_works_over_tls', await client.get('io:tls'), value);
	client.disconnect();
	const stranger = new Redis(port, '127.0.0.1',
		{ tls: {}, lazyConnect: true, retryStrategy: null });
	equal('ioredis_wants_an_authority', await new Promise((resolve) => {
		stranger.on('error', (error) => resolve(distrusts(error)));
		stranger.connect().then(resolve, () => {});
	}), true);
	stranger.disconnect();
}

async function main() {
	const port = Number(process.argv[2]);
	const client = new Redis(port);
	client.on('error', () => {});
	const old = new Redis(port, { protocol: 2 });
	for (const [one, form] of [[client, 'ioredis'], [old, 'ioredis_resp2']]) {
		await smoke(one, form);
		await transactions(one, form);
		await listening(one, form);
	}
	old.disconnect();
	await tls(Number(process.argv[3]), readFileSync(process.argv[4]));
	await waitForRestart();
	equal('ioredis_reconnects', await patiently(() => client.get('io')),
		'there');
	client.disconnect();
}

main().catch((error) => equal('ioredis_ends_well', String(error.stack), ''));
