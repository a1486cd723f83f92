// The smoke test of node-redis with its defaults, RESP2 and TLS; test_node.py
// starts it and tells the port, that of TLS, and the authority's certificate.
'use strict';
const { readFileSync } = require('node:fs');
const { createClient, RESP_TYPES } = require('redis');
const { equal, distrusts, queue, waitForRestart, patiently } = require('./smoke.js');

async function smoke(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);

	fact('connects_with_defaults', await client.ping(), 'PONG');
	fact('sets_and_gets', [await client.set('nr', 'there'),
		await client.get('nr')], ['OK', 'there']);
	fact('misses', await client.get('nr:none'), null);
	const octets = Buffer.from([...Array(256).keys()]);
	await client.set('nr:binary', octets);
	const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
	fact('keeps_bytes', octets.equals(await raw.get('nr:binary')), true);
	await client.mSet({ 'nr:a': '1', 'nr:b': '2' });
	fact('reads_many', await client.mGet(['nr:a', 'nr:none', 'nr:b']),
		['1', null, '2']);
	await client.del('nr:n');
	fact('counts', [await client.incr('nr:n'), await client.incrBy('nr:n', 41)],
		[1, 42]);
	await client.expire('nr:n', 60);
	const ttl = await client.ttl('nr:n');
	fact('expires', ttl > 50 && ttl <= 60, true);
	fact('deletes', await client.del(['nr:a', 'nr:b', 'nr:none']), 2);
	const pipe = client.multi();
	const values = [...Array(1000).keys()].map(String);
	for (const value of values)
		pipe.set(`nr:p${value}`, value);
	for (const value of values)
		pipe.get(`nr:p${value}`);
	fact('pipelines_a_thousand', (await pipe.execAsPipeline()).slice(1000),
		values);
}

async function connected(options) {
	const client = createClient(options);
	client.on('error', () => {});
	await client.connect();
	return client;
}

async function transactions(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);
	const other = client.duplicate();

	await other.connect();
	fact('executes_transactions', await client.multi().set('nr:t', '1')
		.incrBy('nr:t', 4).get('nr:t').exec(), ['OK', 5, '5']);
	await client.watch('nr:t');
	await other.set('nr:t', 'other');
	fact('hears_of_watched_keys', await client.multi().set('nr:t', 'mine')
		.exec().catch((error) => error.constructor.name), 'WatchError');
	await client.watch('nr:t');
	fact('executes_when_nobody_wrote', await client.multi()
		.set('nr:t', 'mine').exec(), ['OK']);
	await other.close();
}

async function listening(client, form) {
	const fact = (name, got, wanted) => equal(`${form}_${name}`, got, wanted);
	const ear = client.duplicate();
	const heard = queue();
	const messages = [...Array(1000).keys()].map(String);

	await ear.connect();
	await ear.subscribe('nr:a', (message, channel) =>
		heard.put([channel, message]));
	for (const message of messages)
		client.publish('nr:a', message);
	fact('hears_a_thousand_in_order', await heard.take(1000),
		messages.map((message) => ['nr:a', message]));
	await ear.pSubscribe('nr:news.*', (message, channel) =>
		heard.put([channel, message]));
	fact('counts_listeners', [await client.publish('nr:news.x', 'hello'),
		await client.pubSubNumPat(), await client.pubSubChannels('nr:*')],
		[1, 1, ['nr:a']]);
	fact('hears_patterns', await heard.take(1), [['nr:news.x', 'hello']]);
	await ear.unsubscribe();
	await ear.pUnsubscribe();
	fact('unsubscribes', await client.publish('nr:a', 'nobody'), 0);
	await ear.close();
}

async function tls(port, ca) {
	const socket = { tls: true, host: '127.0.0.1', port };
	const client = await connected({ socket: { ...socket, ca } });
	const value = 'x'.repeat(1 << 20);

	await client.set('nr:tls', value);
	equal('node_redis_works_over_tls', await client.get('nr:tls'), value);
	await client.close();
	equal('node_redis_wants_an_authority', await connected({
		socket: { ...socket, reconnectStrategy: false },
	}).catch((error) => distrusts(error)), true);
}

async function main() {
	const socket = { port: Number(process.argv[2]) };
	const client = await connected({ socket });
	await smoke(client, 'node_redis');
	await transactions(client, 'node_redis');
	await listening(client, 'node_redis');
	const hello = await client.sendCommand(['HELLO']);
	equal('node_redis_speaks_resp3', hello.proto, 3);
	const old = await connected({ socket, RESP: 2 });
	await smoke(old, 'node_redis_resp2');
	await transactions(old, 'node_redis_resp2');
	await listening(old, 'node_redis_resp2');
	await old.close();
	await tls(Number(process.argv[3]), readFileSync(process.argv[4]));
	await waitForRestart();
	equal('node_redis_reconnects', await patiently(() => client.get('nr')),
		'there');
	client.destroy();
}

main().catch((error) => equal('node_redis_ends_well', String(error.stack), ''));
