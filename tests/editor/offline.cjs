// Loaded before the language server: whoever opens a connection or asks for an address is written down and refused.
'use strict';
const { appendFileSync } = require('node:fs');
const dns = require('node:dns');
const net = require('node:net');

function refuse(what) {
  return (...details) => {
    appendFileSync(process.env.PGVIGIL_CONNECTIONS, `${what} ${JSON.stringify(details[0])}\n`);
    throw new Error(`${what}: there is no network in this test`);
  };
}

net.Socket.prototype.connect = refuse('connect');
dns.lookup = refuse('lookup');
dns.promises.lookup = refuse('lookup');
