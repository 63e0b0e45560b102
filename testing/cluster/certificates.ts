import { createPublicKey, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/** Who a certificate speaks for: the user and its groups, as Kubernetes reads them out of CN and O. */
export interface Subject {
  name: string
  group?: string
}

/** A private key and its certificate, both PEM. */
export interface Identity {
  key: string
  certificate: string
}

const DAY_MS = 86_400_000

/** Signs certificates for one cluster. Elliptic keys, so that a dozen of them take milliseconds; good for `days`. */
export class Authority {
  readonly certificate: string
  readonly #key: KeyObject
  readonly #subject: Subject
  readonly #days: number
  readonly #now: Date

  constructor(subject: Subject, now: Date, days = 30) {
    this.#subject = subject
    this.#days = days
    this.#now = now
    this.#key = newKey()
    this.certificate = this.#certificateFor(subject, this.#key, [basicConstraints(true), keyUsage(0b0000_0110, 1)])
  }

  /** A new key and a certificate for it: good for a client, and for a server at each of `hosts` (names and addresses). */
  issue(subject: Subject, hosts: readonly string[] = []): Identity {
    const key = newKey()
    const uses = [
      basicConstraints(false),
      keyUsage(0b1000_0000, 7),
      extendedKeyUsage(),
      ...(hosts.length > 0 ? [alternativeNames(hosts)] : []),
    ]
    return { key: pemOf(key), certificate: this.#certificateFor(subject, key, uses) }
  }

  /** RFC 5280 §4.1. */
  #certificateFor(subject: Subject, key: KeyObject, extensions: readonly Uint8Array[]): string {
    const ecdsaWithSha256 = sequence(oid(1, 2, 840, 10045, 4, 3, 2))
    const start = new Date(this.#now.getTime() - DAY_MS)
    const end = new Date(this.#now.getTime() + this.#days * DAY_MS)
    const body = sequence(
      tagged(0xa0, integer(Uint8Array.of(2))),
      // The first byte is kept below 0x80, which would make the number negative, and above 0, which would not be minimal.
      integer(Uint8Array.of(0x55, ...randomBytes(15))),
      ecdsaWithSha256,
      distinguishedName(this.#subject),
      sequence(time(start), time(end)),
      distinguishedName(subject),
      createPublicKey(key).export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    )
    return pem('CERTIFICATE', sequence(body, ecdsaWithSha256, bitString(sign('sha256', body, this.#key))))
  }
}

/** A key pair to sign with, PEM: what ServiceAccount tokens are made of. */
export function newKeyPair(): { privateKey: string; publicKey: string } {
  const key = newKey()
  return { privateKey: pemOf(key), publicKey: String(createPublicKey(key).export({ type: 'spki', format: 'pem' })) }
}

const newKey = (): KeyObject => generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

// SEC 1 rather than PKCS #8: Kubernetes reads ServiceAccount keys in the former only when they are elliptic.
const pemOf = (key: KeyObject): string => String(key.export({ type: 'sec1', format: 'pem' }))

const pem = (label: string, der: Uint8Array): string =>
  `-----BEGIN ${label}-----\n${Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')}\n-----END ${label}-----\n`

// DER, as much of it as certificates need (X.690 §8, §10).

function tagged(tag: number, ...content: readonly Uint8Array[]): Uint8Array {
  const body = Buffer.concat(content)
  const size = body.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Uint8Array.of(tag, ...length), body])
}

const sequence = (...content: Uint8Array[]): Uint8Array => tagged(0x30, ...content)
const integer = (bytes: Uint8Array): Uint8Array => tagged(0x02, bytes)
const bitString = (bytes: Uint8Array, unusedBits = 0): Uint8Array => tagged(0x03, Uint8Array.of(unusedBits), bytes)
const octetString = (bytes: Uint8Array): Uint8Array => tagged(0x04, bytes)
const yes = tagged(0x01, Uint8Array.of(0xff))

function oid(first: number, second: number, ...rest: number[]): Uint8Array {
  const bytes = [first * 40 + second]
  for (const arc of rest) {
    const digits = [arc & 0x7f]
    for (let left = arc >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80)
    bytes.push(...digits)
  }
  return tagged(0x06, Uint8Array.from(bytes))
}

const time = (date: Date): Uint8Array => tagged(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`))

const distinguishedName = ({ name, group }: Subject): Uint8Array => {
  const attribute = (type: number, value: string) => tagged(0x31, sequence(oid(2, 5, 4, type), tagged(0x0c, Buffer.from(value))))
  return sequence(...(group === undefined ? [] : [attribute(10, group)]), attribute(3, name))
}

const extension = (id: Uint8Array, critical: boolean, value: Uint8Array): Uint8Array =>
  sequence(id, ...(critical ? [yes] : []), octetString(value))

const basicConstraints = (authority: boolean): Uint8Array =>
  extension(oid(2, 5, 29, 19), true, authority ? sequence(yes) : sequence())

const keyUsage = (bits: number, unusedBits: number): Uint8Array =>
  extension(oid(2, 5, 29, 15), true, bitString(Uint8Array.of(bits), unusedBits))

/** Server and client authentication. */
const extendedKeyUsage = (): Uint8Array =>
  extension(oid(2, 5, 29, 37), false, sequence(oid(1, 3, 6, 1, 5, 5, 7, 3, 1), oid(1, 3, 6, 1, 5, 5, 7, 3, 2)))

const alternativeNames = (hosts: readonly string[]): Uint8Array =>
  extension(
    oid(2, 5, 29, 17),
    false,
    sequence(
      ...hosts.map((host) =>
        isIP(host) === 4 ? tagged(0x87, Uint8Array.from(host.split('.').map(Number))) : tagged(0x82, Buffer.from(host)),
      ),
    ),
  )
