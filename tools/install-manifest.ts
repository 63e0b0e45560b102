import { fileURLToPath } from 'node:url'
import { findProgram, runCommand } from '../testing/parts/command.ts'

const chart = fileURLToPath(new URL('../helm/', import.meta.url))

/** The namespace of the manifest, and the name of its release, as docs/install.md has them. */
const NAME = 'realm-operator'

/**
 * The objects of the chart as one manifest, for clusters without Helm: the namespace, and what `helm install` would create in it.
 *
 * @param helm path of Helm
 * @param options of Helm, such as `--set` and `--values`
 */
export async function installManifest(helm: string, options: readonly string[]): Promise<string> {
  const objects = await runCommand(helm, ['template', NAME, chart, '--namespace', NAME, '--skip-tests', ...options])
  return `apiVersion: v1\nkind: Namespace\nmetadata: { name: ${NAME} }\n${objects}`
}

// npm run manifest -- --set image.repository=… >install.yaml
if (import.meta.main) {
  const helm = process.env.HELM ?? findProgram('helm')
  if (helm === undefined) {
    console.error('Helm is not installed: put it on the PATH, or name it in HELM')
    process.exit(1)
  }
  try {
    process.stdout.write(await installManifest(helm, process.argv.slice(2)))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exit(1)
  }
}
