import WebSocket from 'ws'

/** Packets that may come before the awaited one, such as island changes of other peers. */
const MAX_OTHERS = 16

/** What a client receives, one awaited packet at a time. */
export interface AwaitedPackets<Message extends { $case: string }> {
  /** Resolves once the socket is open. @throws Error when it is not in time, or was closed */
  readonly open: Promise<true>
  /** The next packet of a kind; those before it are dropped. @throws Error when it does not come in time, or the socket was closed */
  next<Case extends Message['$case']>(expected: Case): Promise<Extract<Message, { $case: Case }>>
  /** Resolves with the reason once the socket is closed. */
  readonly closed: Promise<string>
}

/** Waits for packets of a server, each for at most `timeoutMs`; `decode` throws where bytes are no packet. */
export function awaitedPackets<Message extends { $case: string }>(
  socket: WebSocket,
  decode: (bytes: Uint8Array) => Message | undefined,
  timeoutMs: number,
): AwaitedPackets<Message> {
  const arrived: Message[] = []
  const closed = Promise.withResolvers<string>()
  let ended: Error | undefined
  let check = () => {}
  const end = (error: Error) => {
    ended ??= error
    closed.resolve(ended.message)
    check()
  }
  socket.on('message', (bytes: Buffer) => {
    try {
      const message = decode(bytes)
      if (message && arrived.length < MAX_OTHERS) arrived.push(message)
    } catch {
      end(new Error('it sent something that is not a packet'))
    }
    check()
  })
  socket.on('open', () => check())
  socket.on('error', end)
  socket.on('close', (code, reason) =>
    end(new Error(`the socket was closed with ${code}${reason.length > 0 ? ` (${reason})` : ''}`)),
  )

  function until<T>(found: () => T | undefined, missing: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(missing)), timeoutMs)
      check = () => {
        const value = found()
        if (value === undefined && !ended) return
        clearTimeout(timer)
        if (value === undefined) reject(ended)
        else resolve(value)
      }
      check()
    })
  }

  return {
    open: until(() => (socket.readyState === WebSocket.OPEN ? true : undefined), `no connection within ${timeoutMs} ms`),
    closed: closed.promise,
    next<Case extends Message['$case']>(expected: Case): Promise<Extract<Message, { $case: Case }>> {
      const found = () => {
        const at = arrived.findIndex(({ $case }) => $case === expected)
        const [message] = at < 0 ? [] : arrived.splice(0, at + 1).slice(-1)
        return message as Extract<Message, { $case: Case }> | undefined
      }
      return until(found, `no ${expected} within ${timeoutMs} ms`)
    },
  }
}
