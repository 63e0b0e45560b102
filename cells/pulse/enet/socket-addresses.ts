import { randomBytes } from 'node:crypto'
import { SocketAddress } from 'node:net'
import type { SocketLibrary } from './socket-library.ts'

/** Address families of Linux. */
export const AF_INET = 2
export const AF_INET6 = 10

/** 32-bit words of a `struct sockaddr_in6`: family and port, flow, four of the address, and the scope. An IPv4 one has the address after the port. */
export const SOCKADDR_WORDS = 7
export const SOCKADDR_BYTES: Readonly<Record<number, number>> = { [AF_INET]: 16, [AF_INET6]: 28 }

/** The port of the structure that begins at word `at`. */
export const portAt = (structures: Uint32Array, at: number): number => {
  const first = structures[at] as number
  return ((first >>> 8) & 0xff00) | (first >>> 24)
}

/** More addresses than a relay has clients, also where others share their places. */
const PLACES = 16_384

/** An address in both forms. */
interface Known {
  /** Words 1 to 6 of its structure, without the port. */
  readonly words: Uint32Array
  readonly text: string
}

/**
 * The addresses of clients as text, which the relay uses, and as the kernel has them. Each is converted once: a text for each of
 * forty thousand datagrams a second would cost more than the datagrams. There is one place for each value of a hash that strangers cannot foresee, so they cannot fill the memory.
 */
export class SocketAddresses {
  readonly #family: number
  readonly #library: SocketLibrary
  readonly #places = new Array<Known | undefined>(PLACES)
  readonly #byText = new Map<string, Known>()
  readonly #seed = randomBytes(4).readUInt32LE() | 1

  constructor(family: number, library: SocketLibrary) {
    this.#family = family
    this.#library = library
  }

  /** The text of the address whose structure begins at word `at`, in the form that `node:dgram` uses. */
  textAt(structures: Uint32Array, at: number): string {
    return this.#knownAt(structures, at).text
  }

  /**
   * Writes the structure of an address, and the port, from word `at`.
   *
   * @returns false for what is no address of this family, or one with an interface that has not been heard of
   */
  write(text: string, port: number, structures: Uint32Array, at: number): boolean {
    const known = this.#byText.get(text) ?? this.#parsed(text)
    if (!known) return false
    const { words } = known
    structures[at] = this.#family | ((port >>> 8) << 16) | ((port & 0xff) << 24)
    for (let i = 1; i < SOCKADDR_WORDS; i++) structures[at + i] = words[i - 1] as number
    return true
  }

  #parsed(text: string): Known | undefined {
    const structure = new Uint32Array(SOCKADDR_WORDS)
    const bytes = new Uint8Array(structure.buffer, this.#family === AF_INET ? 4 : 8)
    return this.#library.parse(this.#family, text, bytes) ? this.#knownAt(structure, 0) : undefined
  }

  #knownAt(structures: Uint32Array, at: number): Known {
    const place = this.#hashAt(structures, at) % PLACES
    const known = this.#places[place]
    if (known && this.#isAt(known, structures, at)) return known
    const words = this.#wordsAt(structures, at)
    const learnt = { words, text: this.#textOf(words) }
    if (known) this.#byText.delete(known.text)
    this.#places[place] = learnt
    this.#byText.set(learnt.text, learnt)
    return learnt
  }

  #isAt({ words }: Known, structures: Uint32Array, at: number): boolean {
    if (this.#family === AF_INET) return words[0] === structures[at + 1]
    for (let i = 1; i < SOCKADDR_WORDS - 1; i++) if (words[i] !== structures[at + 1 + i]) return false
    return true
  }

  #wordsAt(structures: Uint32Array, at: number): Uint32Array {
    const words = structures.slice(at + 1, at + SOCKADDR_WORDS)
    // Of IPv4 what follows the address means nothing; of IPv6 the label of a flow is of the client's own sending.
    if (this.#family === AF_INET) words.fill(0, 1)
    else words[0] = 0
    return words
  }

  #textOf(words: Uint32Array): string {
    const bytes = Buffer.from(words.buffer)
    if (this.#family === AF_INET) return bytes.subarray(0, 4).join('.')
    const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(4 + 2 * i).toString(16))
    const { address } = new SocketAddress({ family: 'ipv6', address: groups.join(':') })
    const scope = words[5] ?? 0
    const isLinkLocal = (bytes.readUInt16BE(4) & 0xffc0) === 0xfe80
    return scope !== 0 && isLinkLocal ? `${address}%${this.#library.interfaceName(scope)}` : address
  }

  #hashAt(structures: Uint32Array, at: number): number {
    let hash = this.#seed
    const [from, to] = this.#family === AF_INET ? [1, 2] : [2, SOCKADDR_WORDS]
    for (let i = from; i < to; i++) {
      hash = Math.imul(hash ^ (structures[at + i] as number), 0x9e3779b1)
      hash ^= hash >>> 15
    }
    return hash >>> 0
  }
}
