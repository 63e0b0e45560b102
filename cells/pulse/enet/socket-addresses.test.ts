import { SocketAddress } from 'node:net'
import { beforeAll, describe, expect, test } from 'vitest'
import { AF_INET, AF_INET6, portAt, SOCKADDR_WORDS, SocketAddresses } from './socket-addresses.ts'
import { loadSocketLibrary, type SocketLibrary } from './socket-library.ts'

const isLinux = process.platform === 'linux'

describe.runIf(isLinux)('addresses of sockets', () => {
  let library: SocketLibrary
  beforeAll(async () => {
    library = (await loadSocketLibrary()) as SocketLibrary
  })

  test.each([
    [AF_INET, '127.0.0.1'],
    [AF_INET, '255.254.1.0'],
    [AF_INET6, '::1'],
    [AF_INET6, '::ffff:192.0.2.1'],
    [AF_INET6, '2001:db8::1:0:0:1'],
    [AF_INET6, 'fe80::1'],
  ])('of family %i, %s is written and read the same', (family, text) => {
    const structures = new Uint32Array(2 * SOCKADDR_WORDS)
    expect(new SocketAddresses(family, library).write(text, 51_234, structures, SOCKADDR_WORDS)).toBe(true)
    // One that has not seen the text.
    expect(new SocketAddresses(family, library).textAt(structures, SOCKADDR_WORDS)).toBe(text)
    expect(portAt(structures, SOCKADDR_WORDS)).toBe(51_234)
  })

  test('an address with the interface it is at is read as node:dgram reads it', () => {
    const structure = new Uint32Array(SOCKADDR_WORDS)
    const addresses = new SocketAddresses(AF_INET6, library)
    addresses.write('fe80::7', 9, structure, 0)
    structure[6] = 1
    expect(addresses.textAt(structure, 0)).toBe('fe80::7%lo')
    expect(addresses.write('fe80::7%lo', 9, structure, 0)).toBe(true)
    expect(structure[6]).toBe(1)
  })

  test('texts that are no address of the family are refused', () => {
    const structure = new Uint32Array(SOCKADDR_WORDS)
    for (const [family, text] of [
      [AF_INET, '::1'],
      [AF_INET6, '127.0.0.1'],
      [AF_INET, 'nowhere'],
      [AF_INET, ''],
      [AF_INET6, 'fe80::9%eth9'],
    ] as const)
      expect([text, new SocketAddresses(family, library).write(text, 1, structure, 0)]).toEqual([text, false])
  })

  test('more addresses than are remembered are all read and written as they are', () => {
    const addresses = new SocketAddresses(AF_INET6, library)
    const structure = new Uint32Array(SOCKADDR_WORDS)
    const bytes = Buffer.from(structure.buffer)
    for (let i = 0; i < 40_000; i++) {
      const text = new SocketAddress({
        family: 'ipv6',
        address: `2001:db8:${(i * 7919).toString(16).slice(-4)}::${i.toString(16)}`,
      }).address
      expect(addresses.write(text, 7, structure, 0)).toBe(true)
      expect([bytes.readUInt16BE(22), addresses.textAt(structure, 0)]).toEqual([i & 0xffff, text])
    }
  })
})
