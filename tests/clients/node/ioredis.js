// The smoke test of ioredis with its defaults; test_node.py starts it and tells
// the port in the first argument.
'use strict';
const Redis = require('ioredis');
const { equal, waitForRestart, patiently } = require('./smoke.js');

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

async function main() {
	const port = Number(process.argv[2]);
	const client = new Redis(port);
	client.on('error', () => {});
	await smoke(client, 'ioredis');
	await waitForRestart();
	equal('ioredis_reconnects', await patiently(() => client.get('io')),
		'there');
	client.disconnect();
}

main().catch((error) => equal('ioredis_ends_well', String(error.stack), ''));
