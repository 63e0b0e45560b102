import type { ServerResponse } from 'node:http'

/** A response as a value. The body is sent as it is, but where a client accepts a shorter form of a `prepared` one. */
export interface HttpResponse {
  status: number
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array
  /** Whether the body is sent to many clients, each of which is sent the form that it accepts, or a 304. */
  isPrepared?: true
  /** Takes the response over once its head was sent, in place of a body, and ends it: for answers that go on, such as events. */
  stream?: (response: ServerResponse) => void
}
