import { Field, Float, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import { JsonScalar } from './scalars.ts';

export enum CheckResult {
  PASSED = 'PASSED',
  NOTED = 'NOTED',
  FAILED = 'FAILED',
  NOT_EXAMINED = 'NOT_EXAMINED',
}
registerEnumType(CheckResult, {
  name: 'CheckResult',
  valuesConfig: {
    PASSED: { description: 'Every run that could be examined is clear.' },
    NOTED: { description: 'Something to know when reading the numbers.' },
    FAILED: { description: 'Something that puts numbers in doubt.' },
    NOT_EXAMINED: { description: 'No run holds what the check looks at.' },
  },
});

@ObjectType({ description: 'What a check found in one run.', simpleResolvers: true })
export class AuditFinding {
  @Field(() => ID, { description: 'In the lake.' })
  runId!: string;

  @Field(() => String, { description: "The artifact's own run id." })
  id!: string;

  @Field(() => String, { description: '`problem` or `note`.' })
  level!: string;

  @Field(() => Int, { description: 'Rows, numbers or criteria that it is about.' })
  count!: number;

  @Field(() => String)
  detail!: string;
}

@ObjectType({
  description: 'One line of the what-could-have-gone-wrong checklist: a check that was made on these runs.',
  simpleResolvers: true,
})
export class AuditCheck {
  @Field(() => String, { description: 'Stable, e.g. `dataset-fingerprint`.' })
  id!: string;

  @Field(() => String)
  risk!: string;

  @Field(() => CheckResult)
  result!: `${CheckResult}`;

  @Field(() => Int)
  runsExamined!: number;

  @Field(() => Int)
  runsNotExamined!: number;

  @Field(() => Int, { description: "Sum of the findings' counts." })
  count!: number;

  @Field(() => [AuditFinding])
  findings!: readonly AuditFinding[];
}

@ObjectType({
  description: 'The confusion matrix, TRUE being positive, and what follows from it.',
  simpleResolvers: true,
})
export class ChaosConfusion {
  @Field(() => Int)
  tp!: number;

  @Field(() => Int)
  fp!: number;

  @Field(() => Int)
  tn!: number;

  @Field(() => Int)
  fn!: number;

  @Field(() => Float)
  tpr!: number;

  @Field(() => Float)
  tnr!: number;

  @Field(() => Float)
  balancedAccuracy!: number;

  @Field(() => Float)
  mcc!: number;

  @Field(() => Float, { description: 'Difference of the rates at which TRUE is predicted and true.' })
  biasScore!: number;

  @Field(() => String, { description: 'OK or LABEL-BIASED.' })
  biasVerdict!: string;

  @Field(() => String, { description: 'The label that is predicted more often.' })
  dominantLabel!: string;
}

@ObjectType({ description: 'Scores of one task family of a run.', simpleResolvers: true })
export class ChaosFamily {
  @Field(() => String)
  family!: string;

  @Field(() => Int)
  total!: number;

  @Field(() => Int)
  valid!: number;

  @Field(() => Int)
  correct!: number;

  @Field(() => Float)
  coverage!: number;

  @Field(() => Float)
  accuracyValid!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'Wilson interval (95 %) of the accuracy of a family with fewer than 100 items.',
  })
  wilsonLow!: number | null;

  @Field(() => Float, { nullable: true })
  wilsonHigh!: number | null;

  @Field(() => ChaosConfusion, {
    nullable: true,
    description: "Null when the run's answers are not in the lake.",
  })
  confusion!: ChaosConfusion | null;
}

@ObjectType({
  description: 'A run as it was audited. Scores are recomputed from its answers where the lake has them.',
  simpleResolvers: true,
})
export class ChaosAuditRun {
  @Field(() => ID, { description: 'In the lake.' })
  runId!: string;

  @Field(() => String, { description: "The artifact's own run id." })
  id!: string;

  @Field(() => String, { nullable: true, description: 'Null for a run without a manifest.' })
  provider!: string | null;

  @Field(() => String)
  model!: string;

  @Field(() => String)
  status!: string;

  @Field(() => String, { nullable: true, description: 'OFFICIAL or EXPLORATORY.' })
  verdict!: string | null;

  @Field(() => [String], { description: 'Criteria of the policy that are not met.' })
  failedCriteria!: readonly string[];

  @Field(() => [String])
  flags!: readonly string[];

  @Field(() => String, { nullable: true, description: 'Why it is not in the paper tables; null when it is.' })
  excluded!: string | null;

  @Field(() => Boolean, { description: 'Whether its answers are in the lake.' })
  hasAnswers!: boolean;

  @Field(() => Int, { nullable: true })
  total!: number | null;

  @Field(() => Int, { nullable: true })
  valid!: number | null;

  @Field(() => Float, { nullable: true })
  coverage!: number | null;

  @Field(() => Float, { nullable: true })
  accuracyValid!: number | null;

  @Field(() => Float, { nullable: true })
  effectiveAccuracy!: number | null;

  @Field(() => Float, { nullable: true })
  balancedAccuracy!: number | null;

  @Field(() => Float, { nullable: true })
  mcc!: number | null;

  @Field(() => ChaosConfusion, { nullable: true, description: 'Null when its answers are not in the lake.' })
  confusion!: ChaosConfusion | null;

  @Field(() => [ChaosFamily])
  families!: readonly ChaosFamily[];
}

@ObjectType({ description: 'A document of an audit, as `runlake audit` writes it.', simpleResolvers: true })
export class AuditDocument {
  @Field(() => String, { description: 'E.g. RUNS_AUDIT.md, baselines_table.csv.' })
  name!: string;

  @Field(() => String)
  text!: string;
}

@ObjectType({ description: 'An audit of ChaosBench runs, computed from their rows.', simpleResolvers: true })
export class ChaosAudit {
  @Field(() => String, { description: 'Token of the state of the lake that was audited.' })
  snapshot!: string;

  @Field(() => [ChaosAuditRun])
  runs!: readonly ChaosAuditRun[];

  @Field(() => [AuditCheck], { description: 'What could have gone wrong.' })
  checks!: readonly AuditCheck[];

  @Field(() => [ID], { description: 'Runs of the paper tables, best first: official ones of real models.' })
  baselines!: readonly string[];

  @Field(() => JsonScalar, { description: 'summary.json.' })
  summary!: unknown;

  @Field(() => [AuditDocument], { description: 'The report and the paper tables.' })
  documents!: readonly AuditDocument[];
}
