\set id random(1, 100000)
select id, value from bench where id = :id;
