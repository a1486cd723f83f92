// What the two Node clients' smoke tests share.
'use strict';
const { isDeepStrictEqual } = require('node:util');
const readline = require('node:readline');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

exports.equal = (name, got, wanted) => {
	if (isDeepStrictEqual(got, wanted))
		console.log(`ok ${name}`);
	else
		console.log(`not ok ${name} ${JSON.stringify(got)}`);
};

// Whether TLS found nobody to trust; a server may send its authority or not.
exports.distrusts = (error) => ['SELF_SIGNED_CERT_IN_CHAIN',
	'UNABLE_TO_VERIFY_LEAF_SIGNATURE'].includes(error.code);

// What listeners hear: put() adds, take() waits for so many, but not forever.
exports.queue = () => {
	const heard = [];
	return {
		put: (item) => heard.push(item),
		take: async (count) => {
			for (let i = 0; heard.length < count && i < 3000; i++)
				await pause(10);
			return heard.splice(0);
		},
	};
};

// Ask the script that started us for a restart of the server.
exports.waitForRestart = () => new Promise((resolve) => {
	const input = readline.createInterface({ input: process.stdin });
	input.once('line', () => {
		input.close();
		process.stdin.destroy();
		resolve();
	});
	console.log('restart');
});

exports.patiently = async (call) => {
	for (let tries = 0; ; tries++) {
		try {
			return await call();
		} catch (error) {
			if (tries === 100)
				throw error;
			await pause(50);
		}
	}
};
