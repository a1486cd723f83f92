// The page asks for what it shows and asks again when something changed; visits
// come by themselves, as events.
'use strict';

const at = (id) => document.getElementById(id);

async function ask(method, path, fields) {
	const answer = await fetch(path, {
		method,
		body: fields && new URLSearchParams(fields),
	});
	const body = answer.status === 204 ? null : await answer.json();
	if (!answer.ok)
		throw Object.assign(new Error(body.error),
			{ status: answer.status });
	return body;
}

function say(text) {
	at('notice').textContent = text;
}

// Runs what a form or button asks for; what went wrong is told in words.
function doing(work) {
	return async (event) => {
		event.preventDefault();
		try {
			await work(event.target);
		} catch (error) {
			say(`${error.message}.`);
		}
	};
}

async function showNumbers() {
	const numbers = await ask('GET', '/api/statistics');
	at('total').textContent = numbers.links;
	at('today').textContent = numbers.visits_today;
}

function visits(count) {
	return count === 1 ? '1 visit' : `${count} visits`;
}

function row(link) {
	const item = at('row').content.cloneNode(true).firstElementChild;
	const part = (name) => item.querySelector(name);
	const short = `${location.origin}/${link.code}`;
	item.dataset.code = link.code;
	part('.code').textContent = `/${link.code}`;
	part('.code').href = `/${link.code}`;
	part('.url').textContent = link.url;
	part('.url').title = link.url;
	part('.visits').textContent = visits(link.visits);
	part('.preview').href = `/${link.code}+`;
	part('.copy').onclick = doing(async () => {
		await navigator.clipboard.writeText(short);
		say(`${short} is in your clipboard.`);
	});
	part('.delete').onclick = doing(async () => {
		await ask('DELETE', `/api/links/${link.code}`);
		say(`/${link.code} is gone.`);
		await show();
	});
	return item;
}

async function show() {
	let name = null;
	try {
		({ name } = await ask('GET', '/api/me'));
	} catch (error) {
		if (error.status !== 401)
			throw error;
	}
	at('login').hidden = name !== null;
	at('logout').hidden = at('mine').hidden = name === null;
	at('me').textContent = name ?? '';
	const links = name === null ? [] : await ask('GET', '/api/links');
	at('list').replaceChildren(...links.map(row));
	await showNumbers();
}

async function followed(code) {
	at('latest').textContent = `/${code}`;
	const item = document.querySelector(`li[data-code="${code}"]`);
	if (item) {
		const shown = item.querySelector('.visits');
		shown.textContent = visits(parseInt(shown.textContent, 10) + 1);
		item.classList.add('followed');
		setTimeout(() => item.classList.remove('followed'), 300);
	}
	await showNumbers();
}

at('login').onsubmit = doing(async (form) => {
	await ask('POST', '/api/login', new FormData(form));
	say('');
	await show();
});

at('logout').onsubmit = doing(async () => {
	await ask('POST', '/api/logout');
	await show();
});

at('shorten').onsubmit = doing(async (form) => {
	const link = await ask('POST', '/api/links', new FormData(form));
	form.reset();
	say(`${location.origin}/${link.code} leads there now.`);
	await show();
});

new EventSource('/api/visits').onmessage = (event) => followed(event.data);

ask('GET', '/api/store').then((store) => {
	at('store').textContent = `${store.name} ${store.version}`;
}).catch((error) => say(`${error.message}.`));
show().catch((error) => say(`${error.message}.`));
