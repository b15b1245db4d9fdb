import { z } from 'zod';

const place = z.object({ line: z.number(), column: z.number() });

const problem = z.object({
  message: z.string(),
  locations: z.array(place).optional(),
  path: z.array(z.union([z.string(), z.number()])).optional(),
  extensions: z
    .looseObject({
      code: z.string().optional(),
      expected: z.string().optional(),
      remedy: z.string().optional(),
      where: z.looseObject({ offset: z.number().optional() }).optional(),
    })
    .optional(),
});

/** An error of an answer: what is wrong, where in the document or the SQL, and what to do. */
export type Problem = z.infer<typeof problem>;

/** A GraphQL answer as it comes, with errors beside data. */
export const answerSchema = z.object({
  data: z.unknown().optional(),
  errors: z.array(problem).optional(),
  extensions: z
    .looseObject({
      snapshot: z.string().optional(),
      issues: z
        .array(z.looseObject({ path: z.array(z.union([z.string(), z.number()])), value: z.string() }))
        .optional(),
      issueCount: z.number().optional(),
    })
    .optional(),
});

export type ConsoleAnswer = z.infer<typeof answerSchema>;
