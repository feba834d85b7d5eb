// Node's `ws` as the other end of the interop tests: takes the given steps, in either role, and
// prints what it saw as a line of JSON.
//
//   node_peer.js dial [OPTION...] URL STEP...    --subprotocol=NAME (several)
//   node_peer.js serve [OPTION...] STEP...       --choose=NAME, --header=NAME:VALUE (in the 101),
//                                                --refuse=STATUS; prints `listening on ADDRESS`,
//                                                and a line for each connection
//
// Over TLS: --tls=VERSION (1.2 or 1.3) with --ca=FILE of a client, with --certificate=FILE and
// --key=FILE of a server.
//
// The steps are those of step.h, and echo (every message back, until the end), fin (FIN without a
// Close frame; over TLS behind close_notify), peer-end (waits for the other side's), reset (RST)
// and say=STRING (prints it).
//
// What this library (8.11) does at a close: it answers a Close frame at once, with the same
// payload, and reads nothing behind it, Pongs included. It has no half-close, but its `close` goes
// on delivering what arrives, so a shutdown is the same here; Pings that come behind its own Close
// it does not answer. To send after the peer's Close (step peer-close), its answer is held back. At
// FIN, or close_notify, it counts itself as closing: then it sends nothing more. What it sends in
// the turn that brings both the Close frame and the close_notify still goes out before.
'use strict';

const { EventEmitter, once } = require('events');
const fs = require('fs');
const https = require('https');
const WebSocket = require('ws');

const SHOWN_SIZE_MAX = 256;

const crcTable = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; ++bit) value = (value >>> 1) ^ (value & 1 ? 0xedb88320 : 0);
  return value >>> 0;
});

function crc32(bytes) {
  let sum = 0xffffffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ crcTable[(sum ^ byte) & 0xff];
  return ~sum >>> 0;
}

function pattern(size) {
  const bytes = Buffer.alloc(size);
  for (let i = 0; i < size; ++i) bytes[i] = i % 251;
  return bytes;
}

function description(data, isBinary) {
  const seen = { kind: isBinary ? 'binary' : 'text', size: data.length, crc32: crc32(data) };
  if (!isBinary && data.length <= SHOWN_SIZE_MAX) seen.text = data.toString();
  return seen;
}

function reset(socket) {
  if (!socket.encrypted) return socket.resetAndDestroy();
  // That refuses a TLS socket, and the one below says nothing to it.
  return socket._handle._parent.reset(() => socket.emit('close'));
}

class Conversation {
  constructor(connection, steps) {
    this.connection = connection;
    this.steps = steps.map((step) => {
      const equals = step.indexOf('=');
      return equals < 0 ? [step, ''] : [step.slice(0, equals), step.slice(equals + 1)];
    });
    this.report = { opened: false, messages: [], pings: [], pongs: [], close: null };
    this.over = false;
    this.peerEnded = false;
    this.changes = new EventEmitter();
    this.listen();
  }

  has(verb) {
    return this.steps.some((step) => step[0] === verb);
  }

  listen() {
    const { connection, report } = this;
    connection.on('message', (data, isBinary) => {
      report.messages.push(description(data, isBinary));
      if (this.has('echo')) connection.send(data, { binary: isBinary });
      this.changes.emit('change');
    });
    connection.on('ping', (payload) => report.pings.push(payload.toString()));
    connection.on('pong', (payload) => {
      report.pongs.push(payload.toString());
      this.changes.emit('change');
    });
    connection.on('error', (error) => {
      if (report.opened) report.error = error.message;
      else report.failure = error.message;
    });
    connection.on('close', (status) => {
      this.over = true;
      report.ended = status;
      this.changes.emit('change');
      console.log(JSON.stringify(report));
    });
    // The library calls this for each Close frame that comes; the steps call `close` below.
    connection.close = (status, reason) => {
      report.close = { status: status ?? 1005, reason: (reason ?? '').toString() };
      if (!this.has('peer-close')) this.close(status, reason);
      this.changes.emit('change');
    };
  }

  close(status, reason) {
    WebSocket.prototype.close.call(this.connection, status, reason);
  }

  async run() {
    this.report.opened = true;
    this.connection._socket.on('end', () => {
      this.peerEnded = true;
      this.changes.emit('change');
    });
    this.report.subprotocol = this.connection.protocol;
    this.report.extensions = this.connection.extensions ? [this.connection.extensions] : [];
    for (const [verb, argument] of this.steps) {
      if (this.over) return;
      await this.take(verb, argument);
    }
  }

  async until(seen) {
    while (!seen() && !this.over) await once(this.changes, 'change');
  }

  sendFragments(parts, binary, between) {
    parts.forEach((part, index) => {
      const last = index + 1 === parts.length;
      this.connection.send(part, { binary, fin: last });
      if (between && !last) this.connection.ping(between);
    });
  }

  async take(verb, argument) {
    const { connection, report } = this;
    const count = Number(argument);
    switch (verb) {
      case 'echo':
        return undefined;
      case 'text':
        return connection.send(argument);
      case 'binary':
        return connection.send(pattern(count));
      case 'split': {
        const data = Buffer.from(argument);
        const third = Math.floor(data.length / 3);
        const cuts = [0, third, 2 * third, data.length];
        const parts = [0, 1, 2].map((i) => data.subarray(cuts[i], cuts[i + 1]));
        return this.sendFragments(parts, false, 'between');
      }
      case 'fragments': {
        const [number, size] = argument.split(':').map(Number);
        const data = pattern(number * size);
        const parts = Array.from({ length: number }, (_, i) =>
          data.subarray(i * size, (i + 1) * size)
        );
        return this.sendFragments(parts, true);
      }
      case 'ping':
        return connection.ping(argument);
      case 'messages':
        return this.until(() => report.messages.length >= count);
      case 'pongs':
        return this.until(() => report.pongs.length >= count);
      case 'peer-close':
        return this.until(() => report.close !== null);
      case 'peer-end':
        return this.until(() => this.peerEnded);
      case 'shutdown':
      case 'close': {
        const [status, ...reason] = argument.split(':');
        return this.close(Number(status), reason.join(':'));
      }
      case 'say':
        return console.log(JSON.stringify(argument));
      case 'abort':
        return connection.terminate();
      case 'reset':
        return reset(connection._socket);
      case 'fin':
        return connection._socket.end();
      default:
        throw new Error(`no such step: ${verb}`);
    }
  }
}

function dial(url, steps, subprotocols, secure) {
  const connection = new WebSocket(url, subprotocols, secure);
  const conversation = new Conversation(connection, steps);
  connection.on('open', () => conversation.run());
}

function serve(steps, chosen, headers, refuseWith, secure) {
  const options = { perMessageDeflate: true };
  const place = { host: '127.0.0.1', port: 0 };
  if (secure) {
    options.server = https.createServer(secure).listen(place);
  } else {
    Object.assign(options, place);
  }
  options.handleProtocols = (offered) => chosen.find((name) => offered.has(name)) ?? false;
  if (refuseWith) options.verifyClient = (_, answer) => answer(false, refuseWith);
  const server = new WebSocket.Server(options);
  server.on('headers', (response) => response.push(...headers));
  server.on('connection', (connection) => new Conversation(connection, steps).run());
  server.on('listening', () => {
    const { address, port } = server.address();
    console.log(`listening on ${address}:${port}`);
  });
}

const [role, ...words] = process.argv.slice(2);
const isOption = (word) => word.startsWith('--');
const steps = words.filter((word) => !isOption(word));
const given = (name) =>
  words.filter((word) => word.startsWith(`--${name}=`)).map((word) => word.slice(name.length + 3));
const tlsOptions = () => {
  const [version] = given('tls');
  if (!version) return undefined;
  const options = { minVersion: `TLSv${version}`, maxVersion: `TLSv${version}` };
  for (const [option, name] of [['ca', 'ca'], ['cert', 'certificate'], ['key', 'key']]) {
    if (given(name).length > 0) options[option] = fs.readFileSync(given(name)[0]);
  }
  return options;
};
if (role === 'dial') {
  dial(steps[0], steps.slice(1), given('subprotocol'), tlsOptions());
} else {
  const headers = given('header').map((header) => header.replace(':', ': '));
  serve(steps, given('choose'), headers, Number(given('refuse')[0] ?? 0), tlsOptions());
}
