"""A task of Slurm: adds its number to that of all others and prints JSON."""

import json

import tensorflow as tf

from ac_keras.training import is_chief
from ac_keras.training import make_strategy
from ac_keras.training.distribution import num_hosts


def main():
    strategy = make_strategy("multi_host", cluster="slurm")
    own = strategy.cluster_resolver.task_id

    @tf.function
    def add():
        replica = tf.distribute.get_replica_context()
        number = tf.constant(10.0**own)
        return replica.all_reduce(tf.distribute.ReduceOp.SUM, number)

    total = strategy.experimental_local_results(strategy.run(add))[0]
    found = [own, is_chief(strategy), num_hosts(strategy), float(total)]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
