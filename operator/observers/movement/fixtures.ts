import { createSocket, type Socket } from 'node:dgram'
import { onTestFinished } from 'vitest'

/** Binds a socket of this machine until the test ends; resolves with its port. */
export async function bound(socket: Socket, address = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => socket.bind(0, address, resolve))
  onTestFinished(() => void socket.close())
  return socket.address().port
}

const TYPES = { A: 1, AAAA: 28 } as const
const NO_SUCH_NAME = 3

/** The addresses of names as bytes; `silent`: the server does not answer. */
export type NameRecords = Readonly<Record<string, { A?: readonly number[]; AAAA?: readonly number[] | 'silent' }>>

/** A name server; `asked` are the names it was asked for, `server` is its address and port. */
export async function aNameServer(records: NameRecords): Promise<{ server: string; asked: string[] }> {
  const asked: string[] = []
  const socket = createSocket('udp4')
  socket.on('message', (query, from) => {
    const labels: string[] = []
    let at = 12
    for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
      labels.push(query.toString('latin1', at + 1, at + 1 + length))
      at += 1 + length
    }
    const name = labels.join('.')
    asked.push(name)
    const end = at + 5
    const type = query.readUInt16BE(at + 1)
    const found = records[name]
    const address = type === TYPES.A ? found?.A : type === TYPES.AAAA ? found?.AAAA : undefined
    if (address === 'silent') return
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180 | (found ? 0 : NO_SUCH_NAME), 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(address ? 1 : 0, 6)
    const answer = address ? Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, 0, 0, address.length, ...address]) : Buffer.alloc(0)
    socket.send(Buffer.concat([header, query.subarray(12, end), answer]), from.port, from.address)
  })
  return { server: `127.0.0.1:${await bound(socket)}`, asked }
}
