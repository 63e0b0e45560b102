import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readMacho, readSignature } from '../../testing/macho.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { executablePlatforms, writeExecutable } from './executable.ts'

const TIMEOUT_MS = 300_000
const SCRIPT = 'console.log("a script of the test")'
const FUSE = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

withPart('macosNode', 'the executable for macOS', (node) => {
  withPart('machoSign', 'signed on this machine', () => {
    const folder = mkdtempSync(join(tmpdir(), 'macos-'))
    afterAll(() => rmSync(folder, { recursive: true, force: true }))
    const original = readFileSync(node)
    let file: Buffer

    beforeAll(async () => {
      const [platform] = executablePlatforms.filter(({ os }) => os === 'darwin')
      if (!platform) throw new Error('there is no platform with macOS')
      expect(await writeExecutable(platform, SCRIPT, join(folder, 'program'))).toBeUndefined()
      file = readFileSync(join(folder, 'program'))
    }, TIMEOUT_MS)

    test('has the script where Node.js looks for it, and the fuse that makes Node.js look', () => {
      const sections = readMacho(file).segments.find(({ name }) => name === 'NODE_SEA')?.sections ?? []
      expect(sections.map(({ name }) => name)).toEqual(['__NODE_SEA_BLOB'])
      const [{ fileOffset, fileBytes } = { fileOffset: 0, fileBytes: 0 }] = sections
      expect(file.subarray(fileOffset, fileOffset + fileBytes).includes(SCRIPT)).toBe(true)
      expect([original.includes(`${FUSE}:0`), original.includes(`${FUSE}:1`)]).toEqual([true, false])
      expect([file.includes(`${FUSE}:0`), file.includes(`${FUSE}:1`)]).toEqual([false, true])
    })

    test('has code and data of Node.js as they were, but for its commands and the fuse', () => {
      const [before, after] = [original, file].map((content) => ({ content, segments: readMacho(content).segments }))
      for (const name of ['__TEXT', '__DATA_CONST', '__DATA']) {
        const [was, is] = [before, after].map((each) => {
          const segment = each?.segments.find((one) => one.name === name)
          if (!each || !segment) throw new Error(`there is no ${name}`)
          const begin = Math.max(segment.fileOffset, ...(name === '__TEXT' ? [segment.sections[0]?.fileOffset ?? 0] : []))
          return each.content.subarray(begin, segment.fileOffset + segment.fileBytes)
        }) as [Buffer, Buffer]
        expect(is.length, name).toBe(was.length)
        const fuse = was.indexOf(`${FUSE}:0`)
        if (fuse >= 0) is.write(`${FUSE}:0`, fuse)
        expect(is.equals(was), name).toBe(true)
        if (fuse >= 0) is.write(`${FUSE}:1`, fuse)
      }
    })

    test('is signed ad hoc to its last byte, every page with its hash', () => {
      const { segments, signatureAt } = readMacho(file)
      const last = segments.at(-1)
      expect(last).toMatchObject({ name: '__LINKEDIT' })
      expect((last?.fileOffset ?? 0) + (last?.fileBytes ?? 0)).toBe(file.length)
      const { pages, ...signature } = readSignature(file, signatureAt ?? 0)
      expect(signature).toEqual({ identifier: 'kubectl-realm', flags: 2, signedBytes: signatureAt, wrongPages: [] })
      expect(pages).toBe(Math.ceil((signatureAt ?? 0) / 4096))
      const changed = Buffer.from(file)
      changed.write('another script', changed.indexOf(SCRIPT))
      expect(readSignature(changed, signatureAt ?? 0).wrongPages).toHaveLength(1)
    })

    test('has its string table and its signature where macOS wants them: at multiples of 8 and of 16 bytes', () => {
      const { stringsAt, signatureAt } = readMacho(file)
      expect([stringsAt % 8, (signatureAt ?? 1) % 16]).toEqual([0, 0])
    })
  })
})
