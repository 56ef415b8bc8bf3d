//! What the names of stacks begin with that were made by the scripts and the Terraform of `pcraavi/PostgreSQL-Audit`
//! (`deploy-lambda.sh`, `lambda.tf`, `deploy-iam.sh`, `deploy-eventbridge.sh`, `deploy-alarm.sh`, `cloudwatch.tf`,
//! `deploy-sns.sh`, `sns.tf`). Such stacks are found by what they do; rights can only be limited by names.

pub const FUNCTION: &str = "rds-user-audit-monitor";
pub const ROLE: &str = "lambda-rds-audit-monitor";
pub const RULE: &str = "rds-audit-monitor-schedule";
pub const ALARM: &str = "rds-user-dml-detected";
pub const TOPIC: &str = "rds-user-audit-alerts";
/// Alias of the topic's key.
pub const ALIAS: &str = "alias/rds-audit-sns";
pub const DASHBOARD: &str = "RDS_User_Audit_Activity";
