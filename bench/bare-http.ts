import { connect, type Socket } from 'node:net'

/** An answer, as far as a load looks at it. */
export interface BareAnswer {
  status: number
  text: string
}

/** Sends requests that were written out in advance, each on a connection that is free: `fetch` costs as much as the server that it loads. */
export class BareHttp {
  readonly #host: string
  readonly #port: number
  readonly #free: BareConnection[] = []

  constructor(url: string) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port)
  }

  /** A request without a body. */
  written(method: string, path: string, headers: Readonly<Record<string, string>>): Buffer {
    const lines = Object.entries({ host: `${this.#host}:${this.#port}`, 'content-length': '0', ...headers })
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`)
  }

  async send(request: Buffer): Promise<BareAnswer> {
    const connection = this.#free.pop() ?? this.#open()
    const answer = await connection.send(request)
    this.#free.push(connection)
    return answer
  }

  #open(): BareConnection {
    return new BareConnection(connect({ host: this.#host, port: this.#port, noDelay: true }))
  }
}

class BareConnection {
  readonly #socket: Socket
  #received = ''
  #waiting: { resolve: (answer: BareAnswer) => void; reject: (error: Error) => void } | undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#read(text))
    socket.on('error', (error) => this.#waiting?.reject(error))
    socket.on('close', () => this.#waiting?.reject(new Error('the connection ended')))
  }

  send(request: Buffer): Promise<BareAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
      this.#socket.write(request)
    })
  }

  #read(text: string): void {
    this.#received += text
    const head = this.#received.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(this.#received)?.[1] ?? 0)
    if (this.#received.length < head + 4 + length) return
    const answer = { status: Number(this.#received.slice(9, 12)), text: this.#received.slice(head + 4) }
    this.#received = ''
    this.#waiting?.resolve(answer)
  }
}
