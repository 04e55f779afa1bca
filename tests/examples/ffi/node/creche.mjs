// libcreche in Node, by koffi. What there is to declare comes from creche.json, which is installed with it.
//
// Completions come by one queue. Node can watch a descriptor only by reading it, so the queue has a socket, and
// a duplicate of it is Node's. Each call is a promise; an AbortSignal stops it, and it is settled when the
// library's task has ended.
import koffi from 'koffi';
import fs from 'node:fs';
import net from 'node:net';

const told = JSON.parse(fs.readFileSync(process.env.CRECHE_JSON ?? '/usr/local/share/creche/creche.json'));
const library = koffi.load(process.env.CRECHE_LIBRARY ?? 'libcreche.so.0.1');
const dup = koffi.load(null).func('int dup(int)');
const handles = new Set(told.structs.filter(s => s.handle).map(s => s.name));
const structs = new Map(told.structs.map(s => [s.name, s]));
const is = Object.fromEntries(told.enums.flatMap(e => e.constants.map(c => [c.name.slice('CRECHE_'.length), c.value])));

function typeOf(c) {
  if (handles.has(c)) return 'uint64_t';
  if (c === 'creche_status') return 'int32_t';
  if (/^const char ?\*$/.test(c)) return 'const char *';
  return c.includes('*') || c.endsWith('_fn') ? 'void *' : c;
}
// lib.session_open and so on, each declared when it is first used.
const lib = new Proxy({}, { get(known, name) {
  if (!(name in known)) {
    const f = told.functions.find(f => f.name === `creche_${name}`);
    known[name] = library.func(f.name, typeOf(f.returns), f.arguments.map(a => typeOf(a.type)));
  }
  return known[name];
} });

// A struct in a Buffer, field by field. Only what is read and written here: numbers, handles, addresses.
class Struct {
  constructor(name, buffer) {
    this.of = structs.get(name);
    this.buffer = buffer ?? Buffer.alloc(this.of.size);
  }
  #at(name) { return this.of.fields.find(f => f.name === name); }
  get(name) {
    const { offset, size, type } = this.#at(name);
    if (size === 8) return this.buffer.readBigUInt64LE(offset);
    return type.startsWith('uint') ? this.buffer.readUInt32LE(offset) : this.buffer.readInt32LE(offset);
  }
  set(name, value) {
    const { offset, size, type } = this.#at(name);
    if (type === 'double') this.buffer.writeDoubleLE(value, offset);
    else if (size === 8) this.buffer.writeBigInt64LE(BigInt.asIntN(64, BigInt(value)), offset);
    else this.buffer.writeUInt32LE(value, offset);
    return this;
  }
}

export class CrecheError extends Error {
  constructor(status, error) {
    super(`${lib.status_name(status)}: ${lib.error_message(error)}`);
    this.name = 'CrecheError';
    this.status = status;
    this.code = lib.status_name(status);
  }
}
function check(status) {
  if (status < 0) throw new CrecheError(status, lib.last_error());
  return status;
}
function options(kind, fields = {}) {
  const o = new Struct(`creche_${kind}_options`);
  check(lib[`${kind}_options_init`](o.buffer, o.of.size));
  for (const [name, value] of Object.entries(fields)) o.set(name, value);
  return o.buffer;
}
const handle = out => out.readBigUInt64LE(0);
const bytes = (address, size) => size ? Buffer.from(new Uint8Array(koffi.view(address, Number(size)))) : Buffer.alloc(0);

const BATCH = 256;
const SIZE = structs.get('creche_completion').size; // 80, for ever

export class Loop {
  #batch = Buffer.alloc(BATCH * SIZE);
  #waiting = new Map();
  #last = 0n;
  #idle;

  constructor() {
    const [loop, queue, group] = [Buffer.alloc(8), Buffer.alloc(8), Buffer.alloc(8)];
    check(lib.loop_open(null, loop));
    this.handle = handle(loop);
    check(lib.queue_open(this.handle, options('queue', { flags: is.QUEUE_SOCKET }), queue));
    this.queue = handle(queue);
    check(lib.group_open(this.handle, options('group', { policy: is.COLLECT, queue: this.queue }), null, null, group));
    this.scope = handle(group);
    this.socket = new net.Socket({ fd: dup(check(lib.queue_fd(this.queue))), readable: true, writable: false });
    this.socket.on('data', () => this.#drain()).on('error', () => {});
    this.socket.unref(); // it keeps the process alive only while something is waited for
  }

  #drain() {
    const n = Buffer.alloc(8);
    do {
      check(lib.queue_drain(this.queue, this.#batch, BATCH, n));
      for (let i = 0; i < handle(n); i++) {
        const c = new Struct('creche_completion', this.#batch.subarray(i * SIZE, (i + 1) * SIZE));
        const user = c.get('user');
        const deliver = this.#waiting.get(user);
        if (!(c.get('flags') & is.MORE) && this.#waiting.delete(user) && this.#waiting.size === 0) {
          this.socket.unref();
          this.#idle?.();
        }
        deliver?.(c);
      }
      lib.completions_release(this.#batch, handle(n));
    } while (handle(n) === BigInt(BATCH));
  }

  // Starts what ends with the common tail. Gives the task.
  start(deliver, name, ...args) {
    const user = ++this.#last;
    const task = Buffer.alloc(8);
    check(lib[name](...args, null, user, task)); // nothing is delivered before this function has returned to Node
    this.#waiting.set(user, deliver);
    this.socket.ref();
    return handle(task);
  }

  call(convert, signal, name, ...args) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const cancel = () => lib.scope_cancel(task, 'aborted');
      const task = this.start(c => {
        signal?.removeEventListener('abort', cancel);
        const status = c.get('status');
        if (status === 0) resolve(convert(c));
        else reject(status === is.E_CANCELLED && signal?.aborted ? signal.reason : new CrecheError(status, c.get('error')));
      }, name, ...args);
      signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  session(fields) {
    const out = Buffer.alloc(8);
    check(lib.session_open(this.handle, options('session', fields), out));
    return new Session(this, handle(out));
  }
  pool(dsn, fields) {
    const out = Buffer.alloc(8);
    check(lib.pool_open(this.handle, dsn, options('pool', fields), out));
    return new Pool(this, handle(out));
  }
  // Ends all that is under way, each with its completion, then the loop.
  async close() {
    lib.scope_cancel(this.scope, 'the loop is closed');
    if (this.#waiting.size > 0) await new Promise(resolve => { this.#idle = resolve; });
    check(lib.loop_close(this.handle));
    this.socket.destroy();
    const status = await new Promise((resolve, reject) => // on a thread of Node's
      lib.loop_join.async(this.handle, 30_000_000_000n, (error, status) => error ? reject(error) : resolve(status)));
    if (status !== 0) throw new Error(`the loop could not be joined: ${lib.status_name(status)}`);
  }
}

class Session {
  constructor(loop, handle) { Object.assign(this, { loop, handle }); }
  fetch(url, { signal } = {}) {
    return this.loop.call(c => ({ status: c.get('code'), body: bytes(c.get('data'), c.get('data_size')) }), signal,
      'session_fetch', this.handle, this.loop.scope, url, null);
  }
}

// creche_value[], and the bytes that it points to: the call copies them.
function parameters(args) {
  const kept = [];
  const size = structs.get('creche_value').size;
  const array = Buffer.alloc(size * args.length);
  args.forEach((it, i) => {
    const value = new Struct('creche_value', array.subarray(i * size, (i + 1) * size));
    if (it === null || it === undefined) return;
    if (typeof it === 'boolean') value.set('type', is.PG_BOOL).set('form', is.VALUE_INTEGER).set('integer', it ? 1 : 0);
    else if (typeof it === 'bigint' || Number.isInteger(it)) value.set('type', is.PG_INT8).set('form', is.VALUE_INTEGER).set('integer', it);
    else if (typeof it === 'number') value.set('type', is.PG_FLOAT8).set('form', is.VALUE_REAL).set('real', it);
    else {
      const data = Buffer.from(it);
      kept.push(data);
      if (it instanceof Uint8Array) value.set('type', is.PG_BYTEA);
      value.set('form', it instanceof Uint8Array ? is.VALUE_BINARY : is.VALUE_TEXT);
      if (data.length > 0) value.set('data', koffi.address(data)).set('size', data.length);
      else value.set('data', koffi.address(Buffer.alloc(1)));
    }
  });
  return { array, kept };
}

function rowsOf(c) {
  const address = c.get('data');
  const block = new Struct('creche_row_block', bytes(address, structs.get('creche_row_block').size));
  const types = Array.from({ length: block.get('column_count') }, (_, i) => lib.row_column_type(address, i));
  const buffer = Buffer.alloc(65536);
  const size = Buffer.alloc(8);
  const cell = (row, column) => {
    switch (types[column]) {
      case is.PG_INT2: case is.PG_INT4: return lib.row_is_null(address, row, column) ? null : lib.row_int4(address, row, column);
      case is.PG_INT8: return lib.row_is_null(address, row, column) ? null : BigInt(lib.row_int8(address, row, column));
      case is.PG_FLOAT8: return lib.row_is_null(address, row, column) ? null : lib.row_float8(address, row, column);
      case is.PG_BYTEA: {
        const data = lib.row_bytes(address, row, column, size);
        return data ? bytes(data, handle(size)) : null;
      }
    }
    if (lib.row_is_null(address, row, column)) return null;
    return lib.row_text(address, row, column, null) ??
      buffer.toString('utf8', 0, Number(lib.row_format(address, row, column, buffer, buffer.length)));
  };
  return Array.from({ length: Number(block.get('row_count')) }, (_, row) => types.map((_, column) => cell(row, column)));
}

class Queries {
  constructor(loop, handle) { Object.assign(this, { loop, handle }); }
  query(sql, args = [], { signal } = {}) {
    const { array, kept } = parameters(args);
    return this.loop.call(c => rowsOf(c, kept), signal, this.constructor.call, this.handle, this.loop.scope, sql,
      array, args.length, null);
  }
}

class Connection extends Queries {
  static call = 'connection_query';
  step(name) { return this.loop.call(() => {}, null, `connection_${name}`, this.handle, this.loop.scope, null); }
}

class Pool extends Queries {
  static call = 'pool_query';

  // Runs body(connection): commits, or rolls back what it throws.
  async transaction(body, { signal } = {}) {
    const connection = await this.loop.call(c => {
      c.set('flags', c.get('flags') & ~is.OWNED); // ours now: the batch's release leaves it alone
      return new Connection(this.loop, c.get('value'));
    }, signal, 'pool_acquire', this.handle, this.loop.scope, null);
    try {
      await connection.step('begin');
      const result = await body(connection);
      await connection.step('commit');
      return result;
    } finally {
      lib.connection_release(connection.handle); // without a commit it rolls back
    }
  }

  // for await (const row of db.stream(...)): the server is held back meanwhile. Leaving the loop stops it.
  async *stream(sql, args = []) {
    const { array } = parameters(args);
    const blocks = [];
    let news, ended = false;
    const task = this.loop.start(c => {
      // Out of the batch, so that its release does not let the stream go on before we do.
      blocks.push(new Struct('creche_completion', Buffer.from(c.buffer)));
      ended = !(c.get('flags') & is.MORE);
      c.buffer.fill(0);
      news?.();
    }, 'pool_stream', this.handle, this.loop.scope, sql, array, args.length, null);
    try {
      for (;;) {
        while (blocks.length === 0) await new Promise(resolve => { news = resolve; });
        const block = blocks.shift();
        try {
          if (block.get('status') !== 0) throw new CrecheError(block.get('status'), block.get('error'));
          if (block.get('kind') !== is.ROWS) return;
          yield* rowsOf(block);
        } finally {
          lib.completions_release(block.buffer, 1);
        }
      }
    } finally {
      lib.scope_cancel(task, null);
      while (blocks.length > 0 || !ended) {
        while (blocks.length > 0) lib.completions_release(blocks.shift().buffer, 1);
        if (!ended) await new Promise(resolve => { news = resolve; });
      }
    }
  }
}
