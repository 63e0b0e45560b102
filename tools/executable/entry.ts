import { exitWithoutJoiningThreads } from '../../cells/chassis/exit-process.ts'
import { createClusterProgram } from '../../cli/cluster-program.ts'

// What the executable runs.
void createClusterProgram().parseAsync().then(exitWithoutJoiningThreads)
