import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { startProgram } from '../testing/program.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
/** A user that the machine does not know, as OpenShift assigns them, in the group of root. */
const USER = ['--reuid', '1000700000', '--regid', '0', '--clear-groups']

test.runIf(process.getuid?.() === 0)(
  'a gatekeeper with its own database runs as an arbitrary user of group 0, without a home',
  async () => {
    const data = await mkdtemp(join(tmpdir(), 'arbitrary-user-'))
    try {
      // As an emptyDir is: of root, and writable for its group.
      await chmod(data, 0o770)
      const variables = [`DATABASE_FOLDER=${data}`, 'HTTP_SERVER_PORT=0', 'HTTP_SERVER_HOST=127.0.0.1', 'PATH=/usr/bin:/bin']
      const command = ['-i', ...variables, 'setpriv', ...USER, process.execPath, join(root, 'cells/main.ts'), 'gatekeeper']
      await using gatekeeper = startProgram('env', command, { cwd: root })
      const [, url = ''] = await gatekeeper.prints(/"url":"(http:[^"]+)","msg":"serving"/, 60_000)
      expect((await fetch(`${url}/health/ready`)).status).toBe(200)
    } finally {
      await rm(data, { recursive: true, force: true })
    }
  },
  90_000,
)
