// The smoke test of node-redis with its defaults; test_node.py starts it and
// tells the port in the first argument.
'use strict';
const { createClient, RESP_TYPES } = require('redis');
const { equal, waitForRestart, patiently } = require('./smoke.js');

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

async function main() {
	const socket = { port: Number(process.argv[2]) };
	const client = createClient({ socket });
	client.on('error', () => {});
	await client.connect();
	await smoke(client, 'node_redis');
	const hello = await client.sendCommand(['HELLO']);
	equal('node_redis_speaks_resp3', hello.proto, 3);
	const old = createClient({ socket, RESP: 2 });
	old.on('error', () => {});
	await old.connect();
	await smoke(old, 'node_redis_resp2');
	await old.close();
	await waitForRestart();
	equal('node_redis_reconnects', await patiently(() => client.get('nr')),
		'there');
	client.destroy();
}

main().catch((error) => equal('node_redis_ends_well', String(error.stack), ''));
