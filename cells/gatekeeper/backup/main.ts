import type { Readable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { z } from 'zod'
import { parseEnv } from '../../chassis/config.ts'
import { UserError } from '../../chassis/errors.ts'
import { backUp, type Copied, restore } from './backup.ts'

/** Environment variables of a backup and of a restore. */
export const backupVariables = z.object({
  DATABASE_FOLDER: z.string().min(1).describe('Folder of the embedded database.'),
})

/** Writes the embedded database to the standard output, as a tar. @throws UserError when that is not possible */
export async function backUpMain(env: NodeJS.ProcessEnv): Promise<undefined> {
  const { DATABASE_FOLDER } = parseEnv(backupVariables, env)
  if (process.stdout.isTTY)
    throw new UserError('the backup is written to the standard output: send that to a file, without a terminal', 2)
  say('backed up', await backUp(DATABASE_FOLDER, process.stdout))
}

/** Restores the embedded database from the standard input. @throws UserError when that is not possible */
export async function restoreMain(env: NodeJS.ProcessEnv): Promise<undefined> {
  const { DATABASE_FOLDER } = parseEnv(backupVariables, env)
  if (process.stdin.isTTY)
    throw new UserError('the backup is read from the standard input: send a file there (kubectl exec -i)', 2)
  const { former, ...copied } = await restore(DATABASE_FOLDER, process.stdin).catch(async (error: unknown) => {
    await drain(process.stdin)
    throw error
  })
  say('restored', copied)
  if (former) process.stderr.write(`the database that was there is in ${former}\n`)
}

const DRAIN_MS = 30_000

/** Reads what is still being sent: otherwise kubectl goes on sending for a minute, and ends with an error of its own below the reason. */
async function drain(from: Readable): Promise<void> {
  if (from.destroyed || from.readableEnded) return
  await finished(from.resume(), { writable: false, signal: AbortSignal.timeout(DRAIN_MS) }).catch(() => {})
}

// To the standard error: the standard output may be the backup.
const say = (what: string, { files, bytes }: Copied) => process.stderr.write(`${what}: ${files} files, ${bytes} bytes\n`)
