import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const HEADER_BYTES = 12
const TYPE_A = 1
const NAME_ERROR = 3

/** A name server on a free UDP port of this machine. */
export interface NameServer {
  port: number
  stop(): void
}

/** Starts a name server for which the names that `has` knows are 127.0.0.1, and no other name exists. */
export async function startNameServer(has: (name: string) => boolean): Promise<NameServer> {
  const socket = createSocket('udp4')
  socket.on('message', (query, { port, address }) => {
    const { name, type, end } = questionOf(query)
    const isAnswered = has(name) && type === TYPE_A
    const header = Buffer.alloc(HEADER_BYTES)
    header.writeUInt16BE(query.readUInt16BE(0), 0)
    header.writeUInt16BE(0x8180 | (has(name) ? 0 : NAME_ERROR), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(isAnswered ? 1 : 0, 6)
    // The name of the question, type A, class IN, one second, four bytes.
    const answer = Buffer.from([0xc0, HEADER_BYTES, 0, TYPE_A, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1])
    const parts = [header, query.subarray(HEADER_BYTES, end), ...(isAnswered ? [answer] : [])]
    socket.send(Buffer.concat(parts), port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { port: socket.address().port, stop: () => socket.close() }
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER_BYTES
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('ascii', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}
