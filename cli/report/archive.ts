import { createWriteStream, rmSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import tar from 'tar-fs'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'

/** @throws UserError 5 where the file exists already, or cannot be written */
export type WriteArchive = (file: string, texts: ReadonlyMap<string, string>) => Promise<void>

/**
 * Writes texts by their path into one file, a tar packed by gzip, which only its owner may read.
 *
 * @param interruptible runs work, and has its first argument tidy up where the process is to end meanwhile
 */
export const archiveWriter =
  (interruptible: (tidyUp: () => string, work: () => Promise<void>) => Promise<void>): WriteArchive =>
  async (file, texts) => {
    const folder = await mkdtemp(join(tmpdir(), 'realm-report-'))
    const begun: string[] = [folder]
    const tidyUp = () => {
      for (const path of begun) rmSync(path, { recursive: true, force: true })
      return `Interrupted: ${file} was not written.`
    }
    const write = async () => {
      for (const [path, text] of texts) {
        await mkdir(dirname(join(folder, path)), { recursive: true })
        await writeFile(join(folder, path), text, { mode: 0o600 })
      }
      const target = createWriteStream(file, { flags: 'wx', mode: 0o600 })
      // A file that was there before is none of this command's.
      target.once('open', () => begun.push(file))
      await pipeline(tar.pack(folder), createGzip(), target).catch((error: unknown) => {
        throw new UserError(`${file} cannot be written: ${messageOf(error)}`, 5, { cause: error })
      })
    }
    try {
      await interruptible(tidyUp, write)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }
