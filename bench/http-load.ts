import { connect } from 'node:net'

/** How a document is requested. */
export interface Load {
  seconds: number
  /** Requests in flight on each connection. */
  pipelined: number
  connections?: number
  method?: 'GET' | 'HEAD'
}

/** Connections of a load, unless it has another number. */
export const CONNECTIONS = 16

/**
 * Requests the same document on several connections. Every answer has the length of the first.
 *
 * @param url of the document
 */
export async function load(url: string, { seconds, pipelined, connections = CONNECTIONS, method = 'GET' }: Load) {
  const { hostname, port, pathname, search } = new URL(url)
  const request = Buffer.from(`${method} ${pathname}${search} HTTP/1.1\r\nhost: ${hostname}:${port}\r\n\r\n`)
  const latencies: number[] = []
  const start = performance.now()
  const end = start + seconds * 1000
  const runConnection = () =>
    new Promise<void>((resolve, reject) => {
      const socket = connect(Number(port), hostname).setNoDelay(true)
      const sentAt: number[] = []
      let answerBytes = 0
      let received = 0
      const send = () => {
        sentAt.push(performance.now())
        socket.write(request)
      }
      socket.on('error', reject)
      socket.on('connect', send)
      socket.on('data', (chunk) => {
        received += chunk.length
        if (answerBytes === 0) {
          answerBytes = lengthOf(chunk, method)
          for (let ahead = 1; ahead < pipelined; ahead++) send()
        }
        const now = performance.now()
        for (; received >= answerBytes; received -= answerBytes) {
          latencies.push(now - (sentAt.shift() ?? now))
          if (now < end) send()
        }
        if (sentAt.length > 0) return
        socket.destroy()
        if (received === 0) resolve()
        else reject(new Error('answers had different lengths'))
      })
    })
  await Promise.all(Array.from({ length: connections }, runConnection))
  return { latencies, seconds: (performance.now() - start) / 1000 }
}

function lengthOf(answer: Buffer, method: 'GET' | 'HEAD'): number {
  const text = answer.toString('latin1')
  if (method === 'HEAD' && text.startsWith('HTTP/1.1 200 ')) return text.indexOf('\r\n\r\n') + 4
  const body = Number(/content-length: (\d+)/i.exec(text)?.[1])
  if (!text.startsWith('HTTP/1.1 200 ') || !body) throw new Error(`unexpected answer: ${text}`)
  return text.indexOf('\r\n\r\n') + 4 + body
}

/** @param share of the values that are below, from 0 to 1 */
export const percentile = (values: number[], share: number): number =>
  values.sort((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN
