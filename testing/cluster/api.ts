import { Agent, request } from 'node:https'
import type { Admin } from './credentials.ts'

const TIMEOUT_MS = 5_000

/** Reads one path of an API server as its administrator; undefined when there is no answer, or one without success. */
export type ReadApi = (path: string) => Promise<unknown>

/** Requests to an API server in this process, because a kubectl takes half a second to start. */
export function apiOf({ server, authority, certificate, key }: Admin): ReadApi {
  const agent = new Agent({ ca: authority, cert: certificate, key, keepAlive: true })
  return (path) =>
    new Promise((resolve) => {
      const asked = request(new URL(path, server), { agent, timeout: TIMEOUT_MS }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(response.statusCode === 200 ? parsed(Buffer.concat(chunks).toString()) : undefined))
        response.on('error', () => resolve(undefined))
      })
      asked.on('timeout', () => asked.destroy())
      asked.on('error', () => resolve(undefined))
      asked.end()
    })
}

/** Health paths answer with text, all other paths with JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
