import { connect } from 'node:net'

/** Longer than a service waits for anything after the client has ended its side. */
const STAYS_OPEN_MS = 10_000

/**
 * Sends bytes (characters 0 to 255) and resolves with what came back until the server closed the connection. The client ends its
 * side at the first bytes of an answer, or after `patienceMs` without any: a server that waits for the rest of a request never
 * answers, and one that is still busy drops the request of a client that has ended its side.
 *
 * @throws when the server keeps the connection open
 */
export const sendRaw = (url: string, text: string, patienceMs = 20): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
    const received: Buffer[] = []
    const patience = setTimeout(() => socket.end(), patienceMs)
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection was still open after ${STAYS_OPEN_MS} ms`))
    }, patienceMs + STAYS_OPEN_MS)
    const finish = () => {
      clearTimeout(patience)
      clearTimeout(timer)
      socket.destroy()
      resolve(Buffer.concat(received).toString('latin1'))
    }
    socket.on('data', (bytes) => {
      received.push(bytes)
      socket.end()
    })
    socket.on('end', finish)
    socket.on('close', finish)
    socket.on('error', () => {}) // reset while it is still sending
    socket.write(Buffer.from(text, 'latin1'))
  })

/**
 * What is wrong with an answer to a hostile request: a status that blames the service, or none of HTTP. The service may also close
 * without an answer, and refuse with 503 what exceeds its limits.
 */
export function faultOf(answer: string): string | undefined {
  if (answer === '') return undefined
  const [, status] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
  if (status === undefined) return `answered ${JSON.stringify(answer.slice(0, 80))}`
  return status.startsWith('5') && status !== '503' && status !== '505' ? `answered ${answer.split('\r\n')[0]}` : undefined
}
