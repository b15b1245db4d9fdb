/*
 * Imported before everything else: graphql decides when it is loaded whether to check every value for coming from
 * another copy of itself, which costs a quarter of a small query.
 */
process.env['NODE_ENV'] ??= 'production';
