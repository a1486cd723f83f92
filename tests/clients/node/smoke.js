// What the two Node clients' smoke tests share.
'use strict';
const { isDeepStrictEqual } = require('node:util');
const readline = require('node:readline');

exports.equal = (name, got, wanted) => {
	if (isDeepStrictEqual(got, wanted))
		console.log(`ok ${name}`);
	else
		console.log(`not ok ${name} ${JSON.stringify(got)}`);
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
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
	}
};
