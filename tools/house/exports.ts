import { isForTests, sourceFiles, textOf } from './sources.ts'

const declaration =
  /^export (?:declare )?(?:abstract )?(?:async )?(?:type|interface|class|function\*?|const|let|enum) ([A-Za-z_$][\w$]*)/gm

/** Names that several files of the product may export, each with the reason. */
const shared: Readonly<Record<string, string>> = {
  main: 'each service and each program has one, which its process calls',
  readConfig: 'each service reads its own environment variables',
}

/** Names that more than one file of the product declares and exports. */
export function namesExportedTwice(): string[] {
  const filesOf = new Map<string, Set<string>>()
  for (const file of sourceFiles().filter((each) => !isForTests(each)))
    for (const [, name = ''] of textOf(file).matchAll(declaration))
      filesOf.set(name, (filesOf.get(name) ?? new Set<string>()).add(file))
  return [...filesOf]
    .filter(([name, files]) => files.size > 1 && !(name in shared))
    .map(([name, files]) => `${name}: ${[...files].join(', ')}`)
    .sort()
}
