// What libcreche is for, in Node: many documents, some cancelled; a stream; a transaction; an end with work in
// flight. HTTP_URL, SILENT_URL and DATABASE_URL say where.
import fs from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Loop } from './creche.mjs';

const { HTTP_URL, SILENT_URL, DATABASE_URL } = process.env;
const ok = (good, what) => console.log(good ? 'ok' : 'not ok', what);
const descriptors = () => fs.readdirSync('/proc/self/fd').length;

async function documents(loop) {
  const web = loop.session({ limit: 50 });
  const stops = Array.from({ length: 1000 }, () => new AbortController());
  const pages = stops.map(({ signal }, i) => web.fetch(i % 2 ? SILENT_URL : `${HTTP_URL}/small?${i}`, { signal }));
  const all = Promise.allSettled(pages);
  await sleep(50); // as many as the limit lets are under way
  stops.forEach((stop, i) => i % 2 && stop.abort());
  const ended = await all;
  const good = ended.filter(e => e.value?.status === 200 && e.value.body.length === 1024).length;
  const cut = ended.filter(e => e.reason?.name === 'AbortError').length;
  ok(good === 500 && cut === 500, `${good} of 1000 documents fetched, ${cut} cancelled`);
}

async function rows(db) {
  let [count, sum] = [0, 0];
  for await (const [number] of db.stream("select i, 'row ' || i from generate_series(1, $1::int) i", [100000])) {
    count++;
    sum += number;
  }
  ok(count === 100000 && sum === 5000050000, `${count} rows streamed`);
  for await (const _ of db.stream('select generate_series(1, 1000000)')) break; // leaving it stops it
}

async function transaction(db) {
  await db.query('create table if not exists tour_node (name text)');
  await db.query('delete from tour_node');
  await db.transaction(tx => tx.query('insert into tour_node values ($1)', ['kept']));
  const undone = await db.transaction(async tx => {
    await tx.query('insert into tour_node values ($1)', ['undone']);
    throw new Error('changed my mind');
  }).catch(error => error.message);
  const left = await db.query('select name from tour_node');
  ok(undone === 'changed my mind' && left.length === 1 && left[0][0] === 'kept', 'a transaction committed, another rolled back');
  await db.query('drop table tour_node');
}

async function whole() {
  const loop = new Loop();
  const db = loop.pool(DATABASE_URL);
  await documents(loop);
  await rows(db);
  await transaction(db);
  await loop.close();
}

await new Loop().close(); // what Node opens for itself at the first use, it keeps
const before = descriptors();
await whole();
ok(descriptors() === before, 'no descriptor left open');

const loop = new Loop(); // and this one is never closed
const web = loop.session();
for (let i = 0; i < 10; i++) web.fetch(SILENT_URL).catch(() => {});
await sleep(50);
ok(true, 'the end, with work in flight');
process.exit(0);
