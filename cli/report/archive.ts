import { createWriteStream } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import tar from 'tar-fs'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'

/**
 * Writes texts by their path into one file, a tar packed by gzip, which only its owner may read.
 *
 * @throws UserError 5 where the file exists already, or cannot be written
 */
export async function writeArchive(file: string, texts: ReadonlyMap<string, string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'realm-report-'))
  try {
    for (const [path, text] of texts) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text, { mode: 0o600 })
    }
    const target = createWriteStream(file, { flags: 'wx', mode: 0o600 })
    await pipeline(tar.pack(folder), createGzip(), target).catch((error: unknown) => {
      throw new UserError(`${file} cannot be written: ${messageOf(error)}`, 5, { cause: error })
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
